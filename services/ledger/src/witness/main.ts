import { parseArgs } from 'node:util';
import { parseVerifierKey } from '@vitae/transparency';
import { startWitness } from './witness-server.worker.ts';

// A witness for logs, to be run by somebody else than who runs them. It needs no database and no other service.
const USAGE = `node services/ledger/dist/witness/main.js --listen 127.0.0.1:7410 --key-file witness.key --state witness.json --name witness.example.com/w1 --log <verifier key of the log> [--log …]

--key-file and --state are made at the first start; keep them together. --name is the name of the key that is made.`;

try {
  const { values } = parseArgs({
    options: {
      listen: { type: 'string', default: '127.0.0.1:7410' },
      'key-file': { type: 'string' },
      state: { type: 'string' },
      name: { type: 'string', default: 'vitae.local/witness' },
      log: { type: 'string', multiple: true },
    },
  });
  const { listen, name, 'key-file': keyFile, state: stateFile, log: logs = [] } = values;
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(listen) ?? [];
  if (keyFile === undefined || stateFile === undefined || host === undefined || logs.length === 0) throw new Error(`an argument is missing.\n\n${USAGE}`);
  const witness = await startWitness({ host, port: Number(port), keyFile, stateFile, name, logs: logs.map(parseVerifierKey) });
  process.stdout.write(`${witness.verifierKey}@${witness.url}\n`); // as VITAE_WITNESSES of the ledger service takes it
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void witness.stop());
} catch (error) {
  process.stderr.write(`the witness cannot start: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
