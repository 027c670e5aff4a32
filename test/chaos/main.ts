// The program behind `npm run chaos`: the torture tests in their long form.
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cuts } from './cuts.ts';
import { everyByte, flipsMissed } from './flipped-bytes.ts';
import { optionsFrom, type Options, type Part } from './options.ts';
import { smallExport } from './small-export.ts';
import { storm } from './storm.ts';

/** Does its part in that directory, and answers a sentence for each promise that was broken. */
type Torture = (directory: string, options: Options) => Promise<readonly string[]>;

const say = (line: string): void => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`);

/** Each kind of deed at least once, and then until the time is over. */
const FEWEST_DEEDS = 12;

const tortures: Readonly<Record<Part, Torture>> = {
  storm: async (directory, { seed, writers, restMs, minutes }) => {
    const end = performance.now() + minutes * 60_000;
    const another = (done: number): boolean => done < FEWEST_DEEDS || performance.now() < end;
    const { broken, ...counts } = await storm({ directory, seed, writers, restMs, durable: true, another, say });
    say(Object.entries(counts).map(([name, count]) => `${count} ${name}`).join(', '));
    return broken;
  },
  cuts: async (directory) => {
    const { broken, made } = await cuts({ directory, durable: true, choose: (all) => all, say });
    say(`${made.length} cuts were made`);
    return broken;
  },
  bytes: async (directory) => {
    const exported = await smallExport(directory, 20);
    const places = await everyByte(exported.directory);
    say(`flipping a bit in each of ${places.length} bytes`);
    return (await flipsMissed(exported, places)).map(({ file, at }) => `a flipped bit in byte ${at} of ${file} was not noticed`);
  },
};

async function run(part: Part, options: Options): Promise<boolean> {
  const directory = await mkdtemp(join(options.data, `vitae-chaos-${part}-`));
  say(`${part}: in ${directory}`);
  const broken = await tortures[part](directory, options).catch((error: unknown) => [`it could not be finished: ${(error as Error).stack}`]);
  for (const what of broken.slice(0, 100)) say(what);
  if (broken.length === 0) await rm(directory, { recursive: true, force: true });
  say(broken.length === 0 ? `${part}: every promise was kept` : `${part}: ${broken.length} broken promises, seed ${options.seed}. Journals, logs and servers' files are in ${directory}.`);
  return broken.length === 0;
}

let options: Options | undefined;
try {
  options = optionsFrom(process.argv.slice(2), Date.now() % 1_000_000);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 2;
}
for (const part of options?.parts ?? []) if (options && !(await run(part, options))) process.exitCode = 1;
