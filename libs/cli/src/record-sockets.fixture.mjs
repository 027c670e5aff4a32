// Loaded into a process before anything else: writes down, to the file SOCKETS_FILE, every socket that is made and every
// name that is looked up, whoever does it and by whatever module: below all of them are Node's own resources.
import { createHook } from 'node:async_hooks';
import { writeFileSync } from 'node:fs';

const seen = new Set();
createHook({
  init(_, type) {
    if (/TCP|UDP|TLS|ADDRINFO|NAMEINFO|QUERYWRAP|PIPECONNECT|HTTP/.test(type)) seen.add(type);
  },
}).enable();
process.on('exit', () => writeFileSync(process.env.SOCKETS_FILE, JSON.stringify([...seen])));
