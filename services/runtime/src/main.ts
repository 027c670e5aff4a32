import '@vitae/service-kit/telemetry'; // first: instruments http before anything loads it
import { run } from '@vitae/service-kit';
import { runtime } from './app.module.ts';

await run(runtime);
