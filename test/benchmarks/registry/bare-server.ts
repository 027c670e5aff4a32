// What the machine can do without Vitae: an HTTP server of Node that throws away, writes down or sends, and nothing else.
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';

const [file = ''] = process.argv.slice(2);
process.once('disconnect', () => process.exit()); // the benchmark is gone

const does: Readonly<Record<string, (request: IncomingMessage) => Promise<void>>> = {
  'PUT /discard': async (request) => {
    for await (const _ of request); // reads to the end
  },
  'PUT /write': async (request) => {
    await rm(file, { force: true });
    await pipeline(request, createWriteStream(file, { flush: true }));
  },
};

const server = createServer(async (request, response) => {
  const work = does[`${request.method} ${request.url}`];
  if (work) {
    await work(request);
    response.end();
  } else {
    await pipeline(createReadStream(file, { highWaterMark: 512 * 1024 }), response);
  }
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(typeof address === 'object' ? address?.port : address);
});
