import { newSigner, privateText } from '@vitae/transparency';

// Makes a key for the log, where the service does not make it by itself: in a cluster, or for a rotation to a key from a vault.
//   node services/ledger/dist/log-key/main.js vitae.example.com/ledger > log.key
const [origin] = process.argv.slice(2);
try {
  if (origin === undefined) throw new Error('the name of the log is missing. Usage: node services/ledger/dist/log-key/main.js vitae.example.com/ledger > log.key');
  const signer = newSigner(origin);
  process.stdout.write(`${privateText(signer)}\n`);
  process.stderr.write(`${signer.verifierKey}\n`); // public: for those who are to trust the log
} catch (error) {
  process.stderr.write(`no key was made: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
