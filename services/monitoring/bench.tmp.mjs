import { fork } from 'node:child_process';
import http from 'node:http';
import { randomUUID } from 'node:crypto';
const { startPostgres, startNats } = await import('/work/main/deploy/local/src/index.ts');
const pgs = await startPostgres({ dataDir: '/tmp/bench/pg', database: 'bench', durable: true });
const nats = await startNats({ storeDir: '/tmp/bench/nats-' + Date.now() });
const { default: pgm } = await import('pg');
const child = fork('/work/main/services/monitoring/src/main.ts', [], { execArgv: [...(process.env.PROF ? ['--cpu-prof','--cpu-prof-dir=/tmp/bench/prof'] : []),'--conditions=@vitae/source', '--import', '/work/main/libs/service-kit/swc-hook.mjs'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env: { ...process.env, VITAE_MODE: 'local', LOG_LEVEL: process.env.LL ?? 'info', PORT: '7999', DATABASE_URL: pgs.url, NATS_URL: nats.url } });
const wait = (ms) => new Promise((r) => setTimeout(r, ms));
for (;;) { try { if ((await fetch('http://127.0.0.1:7999/readyz')).ok) break; } catch {} await wait(200); }
const pool = new pgm.Pool({ connectionString: pgs.url });
const endpointId = randomUUID();
// a baseline of 20 features
const bl = randomUUID();
const feats = Array.from({ length: 20 }, (_, i) => ({ name: 'f' + i, kind: 'FEATURE_KIND_NUMERIC', edges: Array.from({ length: 100 }, (_, k) => k + 1), counts: Array.from({ length: 100 }, () => '10'), minimum: 0 }));
const event = { baselineId: bl, endpointId, modelId: randomUUID(), datasetVersionId: randomUUID(), datasetDigest: 'sha256:' + 'a'.repeat(64), rowCount: '1000', features: feats, rule: { version: 'x', windowRows: '1000', minimumRows: '240', qLevel: 0.01, psiWarning: 0.1, psiCritical: 0.25, fireWindows: 2, ofWindows: 3, clearWindows: 3, clearFactor: 0.8, minimumCompleteness: 0.95 } };
await pool.query(`insert into monitoring.baseline values ($1,'p',$2,$3,$4,'d','',1000,'[]','{}',$5,now(),1)`, [bl, endpointId, event.modelId, event.datasetVersionId, JSON.stringify(event)]);
await pool.query(`insert into monitoring.active_baseline values ('p',$1,$2)`, [endpointId, bl]);
const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
const variant = randomUUID(), mv = randomUUID();
function post(half, ceId, body) {
  return new Promise((resolve, reject) => {
    const req = http.request({ agent, host: '127.0.0.1', port: 7999, method: 'POST', path: '/ingest/cloudevents', headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'ce-specversion': '1.0', 'ce-id': ceId, 'ce-type': 'org.kubeflow.serving.inference.' + half, 'ce-time': new Date().toISOString(), 'ce-namespace': 'p', 'ce-annotations': JSON.stringify({ 'vitae.dev/endpoint-id': endpointId, 'vitae.dev/variant-id': variant, 'vitae.dev/model-version-id': mv }) } }, (res) => { res.resume(); res.on('end', () => (res.statusCode === 202 ? resolve() : reject(new Error(String(res.statusCode))))); });
    req.on('error', reject); req.end(body);
  });
}
const reqBody = JSON.stringify({ inputs: feats.map((f, i) => ({ name: f.name, shape: [1, 1], datatype: 'FP32', data: [(i * 37) % 100] })) });
const resBody = JSON.stringify({ outputs: [{ name: 'label', shape: [1], datatype: 'INT64', data: [0] }] });
const N = Number(process.env.N ?? 10000);
import { readFileSync, readdirSync } from 'node:fs';
const cpu = (pid) => { const f = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' '); return (Number(f[11]) + Number(f[12])) * 10; };
const c0 = cpu(child.pid), n0 = cpu(nats.pid);
const t0 = performance.now();
let i = 0;
const lane = async () => { while (i < N) { const id = 'e' + i++; await post('request', id, reqBody); await post('response', id, resBody); } };
await Promise.all(Array.from({ length: 32 }, lane));
const t1 = performance.now();
for (;;) { const { rows } = await pool.query('select rows from monitoring.endpoint_traffic where endpoint_id=$1', [endpointId]); if (Number(rows[0]?.rows) >= N) break; await wait(50); }
const t2 = performance.now();
console.log(`${N} exchanges: ingest ${(N / (t1 - t0) * 1000).toFixed(0)} requests/s (${(2 * N / (t1 - t0) * 1000).toFixed(0)} posts/s); all counted after ${(t2 - t0).toFixed(0)} ms = ${(N / (t2 - t0) * 1000).toFixed(0)}/s; lag ${(t2 - t1).toFixed(0)} ms`);
console.log('service CPU ms per exchange', (cpu(child.pid) - c0) / N, 'nats', (cpu(nats.pid) - n0) / N);
const w = await pool.query('select count(*) from monitoring.judged_window'); console.log('windows', w.rows[0].count);
child.kill(); await wait(5000); await pool.end(); await nats.stop(); await pgs.stop(); process.exit(0);
