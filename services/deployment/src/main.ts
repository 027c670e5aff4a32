import '@vitae/service-kit/telemetry'; // first: instruments http and pg before anything loads them
import { run } from '@vitae/service-kit';
import { deployment } from './app.module.ts';

await run(deployment);
