#!/usr/bin/env node
// The command itself is built TypeScript; this file only finds it.
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  console.error('vitae is not built yet. Run `npm run build` once, then the same command again.');
  process.exitCode = 2;
}
