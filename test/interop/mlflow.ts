import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { identityEnvironment, startSuite, type Program, type Session, type SuiteSettings } from '@vitae/local';
import { v7 as uuid } from 'uuid';
import type { InteropResult } from './interop.ts';
import { installPython } from './python.ts';

const pathOf = (file: string): string => fileURLToPath(new URL(`../../interop/${file}`, import.meta.url));
/** What the client is set on, a registry alone, then a server for tracking as well; in which project; and how it says who it is: as all that may. */
const PEERS = [
  { file: pathOf('mlflow_peer.py'), project: 'interop', by: 'an API token as password', as: ({ apiToken }: Credentials) => ({ MLFLOW_TRACKING_USERNAME: 'anybody', MLFLOW_TRACKING_PASSWORD: apiToken, WHO: MACHINE }) },
  { file: pathOf('mlflow_tracking_peer.py'), project: 'interop', by: 'an API token as bearer', as: ({ apiToken }: Credentials) => ({ MLFLOW_TRACKING_TOKEN: apiToken, WHO: MACHINE }) },
  { file: pathOf('mlflow_peer.py'), project: 'interop-person', by: "a person's token as bearer", as: ({ jwt, person }: Credentials) => ({ MLFLOW_TRACKING_TOKEN: jwt, WHO: person }) },
] as const;
interface Credentials {
  /** A person's, from the issuer. */
  readonly jwt: string;
  readonly person: string;
  readonly apiToken: string;
}
/** As whom the API token acts. */
const MACHINE = 'mlflow-interop';
const PERMISSIONS = ['registry.read', 'personal-text.read', 'model.register', 'model.change', 'model.delete', 'run.track', 'dataset.register', 'component.write', 'subscription.manage'];
const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url));
const run = promisify(execFile);

/**
 * Does MLflow's own Python client work with a registry of ours? Installs it into a virtual environment that is thrown away,
 * starts the registry, the ledger and governance (for API tokens) on a new database, and has the client do all that it can do with a registry.
 */
export async function mlflowInterop(say: (line: string) => void): Promise<InteropResult> {
  const directory = await mkdtemp(join(tmpdir(), 'vitae-mlflow-'));
  try {
    const python = await installPython(directory, join(FIXTURES, 'mlflow/requirements.txt'));
    if (typeof python !== 'string') return { passed: 0, failed: 0, skipped: python.why };
    const suite = await startSuite({ dataDir: join(directory, 'suite'), programs: threeServices });
    try {
      const address = suite.addressOf('registry');
      const emil = suite.as('emil');
      const apiToken = await newApiToken(suite.addressOf('governance'), emil);
      const person = await idOf(address, emil);
      const outcomes: { readonly what: string; readonly why?: string }[] = [];
      const withBytes = new Map<string, NodeJS.ProcessEnv>();
      for (const { file, project, by, as } of PEERS) {
        await emil.logInAgain(); // a token that lasts for the whole run: the client cannot ask for another one
        const bytes = withBytes.get(project) ?? (await versionWithBytes(address, project, emil));
        withBytes.set(project, bytes);
        const env = { ...process.env, ...clientSettings(address, project, directory), ...bytes, ...as({ jwt: await emil.accessToken(), person, apiToken }) };
        say(`in project ${project}, by ${by}`);
        const { stdout } = await run(python, [file], { env, timeout: 300_000 });
        outcomes.push(...stdout.trim().split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as (typeof outcomes)[number]));
      }
      for (const { what, why } of outcomes) say(why === undefined ? `ok   it ${what}` : `FAIL it ${what}: ${why}`);
      const failed = outcomes.filter(({ why }) => why !== undefined).length;
      return { passed: outcomes.length - failed, failed };
    } finally {
      await suite.stop();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** What a user sets, and nothing more; the rest keeps the client quiet and its files in the directory. */
const clientSettings = (address: string, project: string, directory: string): NodeJS.ProcessEnv => ({
  MLFLOW_TRACKING_URI: `${address}/t/${project}`,
  PROJECT: project,
  MLFLOW_DISABLE_TELEMETRY: 'true',
  MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT: 'true',
  HOME: directory,
});

/** The ledger, because what is deleted is decided on what every service has written until then. */
function threeServices({ root, dataDir, ports, databaseUrl, natsUrl, brokerLogins, identity, env }: SuiteSettings): Program[] {
  return (['ledger', 'registry', 'governance'] as const).map((name) => ({
    name,
    command: process.execPath,
    args: [join(root, 'services', name, 'dist/main.js')],
    env: {
      ...env,
      NODE_ENV: 'production',
      ...identityEnvironment(name, identity),
      VITAE_MODE: 'local',
      VITAE_DATA_DIR: join(dataDir, name),
      HOST: '127.0.0.1',
      LOG_LEVEL: 'warn',
      VITAE_WEBHOOK_ALLOW_PRIVATE: 'true', // the receiver is on this machine
      PORT: String(ports[name]),
      DATABASE_URL: databaseUrl,
      NATS_URL: natsUrl,
      NATS_NKEY_FILE: brokerLogins?.keyFileOf(name) ?? '',
      KEYRING_DATABASE_URL: '',
      VITAE_TENANT_KEY_FILE: '',
    },
    cwd: root,
    logFile: join(dataDir, `${name}.log`),
    readyUrls: [`http://127.0.0.1:${ports[name]}/readyz`],
  }));
}

const bearer = async (as: Session): Promise<{ readonly authorization: string }> => ({ authorization: `Bearer ${await as.accessToken()}` });

/** What the registry calls somebody, in place of a name. */
async function idOf(address: string, as: Session): Promise<string> {
  const response = await fetch(`${address}/v1/whoami`, { headers: await bearer(as) });
  if (!response.ok) throw new Error(`GET /v1/whoami answered ${response.status} ${await response.text()}`);
  return ((await response.json()) as { id: string }).id;
}

/** Made as a user makes one: at governance, with what the client needs and no more. */
async function newApiToken(governance: string, as: Session): Promise<string> {
  const response = await fetch(`${governance}/v1/api-tokens`, {
    method: 'POST',
    headers: { ...(await bearer(as)), 'content-type': 'application/json' },
    body: JSON.stringify({ name: MACHINE, projects: [...new Set(PEERS.map(({ project }) => project))], permissions: PERMISSIONS }),
  });
  if (!response.ok) throw new Error(`POST /v1/api-tokens answered ${response.status} ${await response.text()}`);
  return ((await response.json()) as { token: string }).token;
}

/** A version that was registered with its bytes, data and code, for the client to find. */
async function versionWithBytes(address: string, project: string, as: Session): Promise<{ readonly WITH_BYTES: string; readonly DIGEST: string }> {
  const post = async <Answer>(path: string, body: object): Promise<Answer> => {
    const raw = body instanceof Uint8Array;
    const response = await fetch(`${address}/v1/projects/${project}${path}`, {
      method: 'POST',
      headers: { ...(await bearer(as)), 'content-type': raw ? 'application/octet-stream' : 'application/json' },
      body: raw ? new Uint8Array(body) : JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`POST ${path} answered ${response.status} ${await response.text()}`);
    return (await response.json()) as Answer;
  };
  const upload = async (file: string) => (await post<{ digest: string }>('/artefacts', await readFile(join(FIXTURES, 'german-credit', file)))).digest;
  const [onnx, csv] = [await upload('credit-v1.onnx'), await upload('credit.csv')];
  const dataset = await post<{ id: string }>('/datasets/german-credit/versions', { digest: csv, mediaType: 'text/csv', source: 'Statlog', licence: 'CC BY 4.0' });
  const model = await post<{ id: string }>('/models', { name: 'with-bytes', task: 'binary-classification', useCaseId: uuid() });
  await post(`/models/${model.id}/versions`, {
    artefact: { digest: onnx, path: 'model.onnx', format: 'onnx' },
    datasetVersionId: dataset.id,
    source: { repository: 'https://example.org/credit.git', commit: 'abcdef0' },
  });
  return { WITH_BYTES: 'with-bytes', DIGEST: onnx };
}
