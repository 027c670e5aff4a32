import type { PersonaId, Session } from '@vitae/local';
import { api } from './api.ts';
import { approve, expectDenial, expectNoOwnApproval } from './approve.ts';
import { expectProvenance, expectSameStory, expectServed, printTimeline, timeline } from './audit.ts';
import { registerData, stateExpectations } from './data.ts';
import { createEndpoint, deploy, expectRefusal } from './deploy.ts';
import { evaluate, publishCard, publishSuite, registerModel, registerVersion } from './develop.ts';
import { rows } from './fixtures.ts';
import { cast, rosa } from './cast.ts';
import { activateBaseline, expectDrift, expectHealthy, WINDOW_ROWS } from './monitor.ts';
import { plan } from './plan.ts';
import { retire } from './retire.ts';
import { rollOut } from './rollout.ts';
import type { Stage } from './stage.ts';
import { subscribe } from './subscriber.ts';
import { population, seen, sendUntil } from './traffic.ts';

export interface MainJobOptions {
  /** Where the one front door is, e.g. http://127.0.0.1:7400. */
  readonly frontDoor: string;
  readonly natsUrl: string;
  /** The file with the nkey's seed of who may read everything. Absent: the server asks nobody who he is. */
  readonly natsKeyFile?: string | undefined;
  /** Logs a persona in. */
  readonly as: (persona: PersonaId) => Session;
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
  /** Called as each act begins; a test breaks things here. */
  readonly onAct?: (act: string) => void;
}

/**
 * One model's whole life through all services, by the public HTTP API alone, as people who have logged in. Each run is a project of
 * its own, so that it can be run again on the same data. Rejects with the reason when any step of the
 * story does not come out as it must.
 */
export async function mainJob({ frontDoor, natsUrl, natsKeyFile, as, report, signal, onAct }: MainJobOptions): Promise<void> {
  const run = new Date().toISOString().replace(/\D/g, '').slice(0, 17);
  const projectId = `credit-${run}`;
  const stage: Stage = { api: api(frontDoor, projectId, as, signal), signal, say: (line) => report(`    ${line}`) };
  const act = (title: string): void => {
    signal.throwIfAborted();
    report(title);
    onAct?.(title);
  };
  report(`project ${projectId}`);
  await Promise.all(cast.map(stage.api.idOf)); // everybody logs in
  const subscription = await subscribe({ natsUrl, natsKeyFile, projectId });
  try {
    act('1  Plan');
    const useCaseId = await plan(stage);

    act('2  Data');
    await stateExpectations(stage);
    const usual = await registerData(stage, 'credit.csv', 'Decided loans of the usual kind');

    act('3  Develop');
    const modelId = await registerModel(stage, useCaseId, 'consumer-credit-risk');
    const v1 = await registerVersion(stage, modelId, 'credit-v1.onnx', usual, 'logistic regression on two columns', [rosa]);

    act('4  Evaluate');
    const suiteId = await publishSuite(stage, usual);
    await evaluate(stage, v1, { suiteId });
    await publishCard(stage, v1);

    act('5  Approve');
    await expectDenial(stage, v1);
    await expectNoOwnApproval(stage, v1, rosa);
    const permit1 = await approve(stage, v1);

    act('6  Deploy');
    const endpoint = await createEndpoint(stage, `credit-risk-${run}`, modelId);
    await expectRefusal(stage, endpoint, v1);
    await deploy(stage, endpoint, v1, permit1);
    const servedV1 = new Date().toISOString();

    act('7  Serve');
    await activateBaseline(stage, endpoint, usual);
    const customers = population(await rows('credit.csv', 'test'), 20261120);
    let sent = await sendUntil(stage, endpoint, customers, { atMost: 3 * WINDOW_ROWS, done: () => Promise.resolve(false) });
    await seen(stage, endpoint, sent);
    stage.say(`${sent} rows of usual customers were decided by version 1; requests and responses are with monitoring`);

    act('8  Monitor');
    await expectHealthy(stage, endpoint, 3);

    act('9  Improve: a better version');
    const v2 = await registerVersion(stage, modelId, 'credit-v2.onnx', usual, 'regularised logistic regression on eighteen columns');
    await evaluate(stage, v2, { suiteId }, v1);
    const permit2 = await approve(stage, v2);
    const variant2 = await deploy(stage, endpoint, v2, permit2);
    const better = await rollOut(stage, endpoint, v2, variant2, customers, sent);
    if (better.state !== 'completed') throw new Error('the better version was rolled back');
    sent += better.sent;

    act('9  Improve: the world changes');
    const others = population(await rows('shifted.csv'), 7);
    const shifted = await sendUntil(stage, endpoint, others, { atMost: 4 * WINDOW_ROWS, done: () => Promise.resolve(false) });
    sent += shifted;
    await seen(stage, endpoint, sent);
    stage.say(`${shifted} rows of customers who want long and large loans`);
    await expectDrift(stage, endpoint);

    act('9  Improve: a hasty retraining');
    const recent = await registerData(stage, 'recent.csv', 'What came in lately: long and large loans');
    const v3 = await registerVersion(stage, modelId, 'credit-v3.onnx', recent, 'random forest on recent loans only');
    await evaluate(stage, v3, recent);
    const permit3 = await approve(stage, v3);
    const variant3 = await deploy(stage, endpoint, v3, permit3);
    const worse = await rollOut(stage, endpoint, v3, variant3, customers, sent);
    if (worse.state !== 'rolled-back') throw new Error('the worse version was not rolled back');
    const afterwards = new Date().toISOString();

    act('10 Retire');
    await retire(stage, endpoint, v1);

    act('11 Audit');
    const subject = `model:${modelId}`;
    const story = await timeline(stage, subject);
    await printTimeline(stage, story);
    const duringCanary = better.seenAt.get(10) ?? better.seenAt.get(50);
    if (duringCanary === undefined) throw new Error('the canary of version 2 was never seen');
    await expectServed(stage, endpoint, servedV1, { 1: 100 });
    await expectServed(stage, endpoint, duringCanary, better.seenAt.has(10) ? { 1: 90, 2: 10 } : { 1: 50, 2: 50 });
    await expectServed(stage, endpoint, afterwards, { 2: 100 });
    await expectProvenance(stage, endpoint, servedV1, v1, usual);
    await expectProvenance(stage, endpoint, afterwards, v2, usual);
    await expectSameStory(stage, subscription, subject, story);
    report(`one model, three versions, ${story.length} events: the life of model ${modelId} is told.`);
  } finally {
    await subscription.close();
  }
}
