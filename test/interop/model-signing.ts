import { spawn } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, hash } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseCertificates, parsePublicKey, signModel, verifyModelSignature, type DigestedFile, type Trust } from '@vitae/model-signing';
import type { InteropResult } from './interop.ts';
import { installPython } from './python.ts';

const PEER = fileURLToPath(new URL('../../interop/model_signing_peer.py', import.meta.url));
const VECTORS = fileURLToPath(new URL('../../fixtures/model-signing/', import.meta.url));

/** Names that implementations are likely to spell or sort differently. */
const FILES = ['model.onnx', 'a/x', 'a-b/x', 'a.txt', 'A', '.hidden/file', 'with space and : colon', '模型.bin', '\u{1f600}', '\uffee', "quo'te\".json"];

/**
 * Do the reference implementation of OpenSSF Model Signing and libs/model-signing believe each other? Installs it into a
 * virtual environment that is thrown away, and has each verify what the other signed, and refuse a model that was changed.
 */
export async function modelSigningInterop(say: (line: string) => void): Promise<InteropResult> {
  const directory = await mkdtemp(join(tmpdir(), 'vitae-model-signing-'));
  try {
    const python = await installPython(directory, join(VECTORS, 'requirements.txt'));
    if (typeof python !== 'string') return { passed: 0, failed: 0, skipped: python.why };
    const outcomes = await checks(directory, python);
    for (const [what, why] of outcomes) say(why === undefined ? `ok   ${what}` : `FAIL ${what}: ${why}`);
    const failed = outcomes.filter(([, why]) => why !== undefined).length;
    return { passed: outcomes.length - failed, failed };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Each check, and why it failed. */
async function checks(directory: string, python: string): Promise<(readonly [string, string | undefined])[]> {
  const model = join(directory, 'model');
  const files = await writeModel(model);
  const peer = openPeer(python);
  const outcomes: (readonly [string, string | undefined])[] = [];
  const check = async (what: string, work: () => unknown, wanted: 'holds' | 'is refused' = 'holds'): Promise<void> => {
    const why = await Promise.resolve().then(work).then(() => undefined, (error: Error) => error.message);
    outcomes.push([`${what} ${wanted}`, wanted === 'holds' ? why : why === undefined ? 'it was believed' : undefined]);
  };
  try {
    for (const signer of await signers(directory)) {
      const [ours, theirs] = [join(directory, `${signer.name}.ours.sig`), join(directory, `${signer.name}.theirs.sig`)];
      await writeFile(ours, signModel({ name: 'model', files, privateKey: createPrivateKey(await readFile(signer.sign.key)), ...signer.certificates }));
      await check(`${signer.name}: that they can sign it`, () => peer.ask({ do: 'sign', model, signature: theirs, ...signer.sign }));
      await check(`${signer.name}: what they signed, asked of us,`, async () => verifyModelSignature(await readFile(theirs), files, signer.trust));
      await check(`${signer.name}: what we signed, asked of them,`, () => peer.ask({ do: 'verify', model, signature: ours, ...signer.verify }));
      const changed = join(directory, `${signer.name}-changed`);
      const other = await writeModel(changed);
      await appendFile(join(changed, 'a/x'), '!');
      await check(`${signer.name}: what we signed of another model, asked of them,`, () => peer.ask({ do: 'verify', model: changed, signature: ours, ...signer.verify }), 'is refused');
      const [first, ...rest] = other as [DigestedFile, ...DigestedFile[]];
      await check(`${signer.name}: what they signed of another model, asked of us,`, async () => verifyModelSignature(await readFile(theirs), [{ ...first, digest: rest[0]?.digest ?? '' }, ...rest], signer.trust), 'is refused');
    }
  } finally {
    await peer.close();
  }
  return outcomes;
}

async function writeModel(root: string): Promise<DigestedFile[]> {
  for (const path of FILES) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), `the bytes of ${path}`);
  }
  return FILES.map((path) => ({ path, digest: `sha256:${hash('sha256', `the bytes of ${path}`)}` }));
}

interface Signer {
  readonly name: string;
  readonly sign: { readonly key: string; readonly certificate?: string; readonly chain?: readonly string[] };
  readonly verify: object;
  readonly certificates?: { readonly certificates: ReturnType<typeof parseCertificates> };
  readonly trust: Trust;
}

/** A new key on each curve, and the certificate of the vectors. */
async function signers(directory: string): Promise<Signer[]> {
  const at = new Date();
  const byKey = await Promise.all(
    ['P-256', 'P-384', 'P-521'].map(async (namedCurve): Promise<Signer> => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
      const [secret, open] = [join(directory, `${namedCurve}.key.pem`), join(directory, `${namedCurve}.pub.pem`)];
      const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
      await writeFile(secret, privateKey.export({ type: 'pkcs8', format: 'pem' }));
      await writeFile(open, pem);
      return { name: namedCurve, sign: { key: secret }, verify: { key: open }, trust: { keys: [parsePublicKey(pem)], certificates: [], at } };
    }),
  );
  const file = (name: string): string => join(VECTORS, name);
  const certificates = async (name: string) => parseCertificates(await readFile(file(`${name}.crt.pem`), 'utf8'));
  const chain = ['between', 'root'].map((name) => file(`${name}.crt.pem`));
  return [
    ...byKey,
    {
      name: 'certificate',
      sign: { key: file('p256.key.pem'), certificate: file('leaf.crt.pem'), chain },
      verify: { roots: [file('root.crt.pem')] },
      certificates: { certificates: [...(await certificates('leaf')), ...(await certificates('between')), ...(await certificates('root'))] },
      trust: { keys: [], certificates: await certificates('root'), at },
    },
  ];
}

/** The Python process: it answers one question after the other. */
function openPeer(python: string) {
  const child = spawn(python, [PEER], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    ask: async (question: object): Promise<void> => {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      const { value } = await lines.next();
      const { ok, why } = JSON.parse(value ?? '{"ok":false,"why":"it ended"}') as { ok: boolean; why?: string };
      if (!ok) throw new Error(why);
    },
    close: async (): Promise<void> => {
      child.stdin.end();
      await new Promise((resolve) => child.once('exit', resolve));
    },
  };
}
