import { randomUUID } from 'node:crypto';
import { Catch, Controller, Get, Inject, Logger, Param, Post, Req, Res, UseFilters, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { ApiBody, ApiHeader } from '@nestjs/swagger';
import { metrics, type Counter, type Histogram } from '@opentelemetry/api';
import { belongsTo, CONFIG, InProject, may, mustHave, Needs, Problem, Public, Readiness, traceHeaders, type KnownRequest, type Principal } from '@vitae/service-kit';
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { RuntimeConfig } from '../config.ts';
import { usableId } from '../inference-log/cloud-event.ts';
import { InferenceLog } from '../inference-log/monitoring.client.ts';
import { armOf, Endpoints, type ServedEndpoint } from '../routing/endpoints.worker.ts';
import { described, InferenceRefused, InferenceRequest, outputsFor, parseInference, responseOf, tensorsFor, type ModelMetadata } from './open-inference.ts';
import { SessionLost } from './onnx-session.client.ts';
import { BodyTooLarge, readBody } from './request-body.client.ts';
import type { ServedVariant } from './served-variant.worker.ts';

type Asking = Request & KnownRequest;

const HEALTH = 'load balancers and clusters ask it without a name';

/** The protocol's form of an error: `{"error": "…"}`, on every route under /v2. */
@Catch()
class ProtocolErrors implements ExceptionFilter {
  readonly #log = new Logger('OpenInference');

  catch(error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    const request = host.switchToHttp().getRequest<Request>();
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (error instanceof InferenceRefused) {
      if (error.status === 429 || error.status === 503) response.set('Retry-After', '1');
      // What is still coming of an oversized body is not worth reading: the connection ends with the answer.
      if (error.status === 413) response.set('Connection', 'close');
      response.status(error.status).json({ error: error.message });
    } else if (error instanceof Problem) {
      const { status, body } = protocolAnswer(error);
      response.status(status).set(error.extra.headers ?? {}).json(body);
    } else if (request.destroyed && !request.complete) {
      response.destroy(); // the caller went away while sending
    } else {
      this.#log.error({ err: error, msg: `${request.method} ${request.path} failed` });
      response.status(500).json({ error: 'the runtime met an error that is its own fault; it is logged' });
    }
    if (!request.readableEnded) request.resume();
  }
}

/** What the suite says of a request, in the protocol's form. */
export const protocolAnswer = ({ status, message }: Problem): { readonly status: number; readonly body: { readonly error: string } } => ({ status, body: { error: message } });

/**
 * Open Inference Protocol v2 over REST (KServe's spelling where the protocol leaves one open). The model of the
 * protocol is the endpoint; a request goes to one of its variants, by weight, or to the one whose version it names.
 */
@Controller('v2')
@UseFilters(new ProtocolErrors())
@Needs('model.infer')
@InProject('any') // that of the endpoint, once it is found
export class OpenInferenceController {
  readonly #measures: { readonly inferences: Counter; readonly seconds: Histogram };
  #atWork = 0;

  constructor(
    private readonly endpoints: Endpoints,
    private readonly log: InferenceLog,
    private readonly readiness: Readiness,
    @Inject(CONFIG) private readonly config: RuntimeConfig,
  ) {
    const meter = metrics.getMeter('@vitae/runtime');
    this.#measures = {
      inferences: meter.createCounter('vitae.inferences', { description: 'Inference requests by endpoint, variant and outcome' }),
      seconds: meter.createHistogram('vitae.inference.duration', { unit: 's', description: 'Time in the model' }),
    };
  }

  @Get()
  @Public('what clients of the protocol ask first; it tells nothing of what is served')
  server() {
    return { name: 'vitae-runtime', version: '0.1.0', extensions: [] };
  }

  @Get('health/live')
  @Public(HEALTH)
  live() {
    return { live: true };
  }

  @Get('health/ready')
  @Public(HEALTH)
  ready(@Res({ passthrough: true }) res: Response) {
    const ready = this.endpoints.restored && !this.readiness.draining;
    if (!ready) res.status(503);
    return { ready };
  }

  @Get('models')
  models(@Req() { principal }: Asking) {
    const mayAsk = (name: string): boolean => {
      const endpoint = this.endpoints.get(name);
      return endpoint !== undefined && principal !== undefined && may(principal, 'model.infer', endpoint.route.projectId);
    };
    return { models: this.endpoints.names().filter(mayAsk) };
  }

  @Get(['models/:model', 'models/:model/versions/:version'])
  model(@Req() { principal }: Asking, @Param('model') name: string, @Param('version') version?: string) {
    const endpoint = this.#endpoint(name, principal);
    const { inputs, outputs } = this.#metadataOf(endpoint, version);
    const versions = endpoint.route.variants.map((variant) => String(variant.version));
    return { name, versions: [...new Set(versions)], platform: 'onnx_onnxv1', inputs: described(inputs), outputs: described(outputs) };
  }

  @Get(['models/:model/ready', 'models/:model/versions/:version/ready'])
  modelReady(@Req() { principal }: Asking, @Param('model') name: string, @Param('version') version?: string) {
    this.#metadataOf(this.#endpoint(name, principal), version);
    return { name, ready: true };
  }

  @Post(['models/:model/infer', 'models/:model/versions/:version/infer'])
  @ApiBody({ schema: z.toJSONSchema(InferenceRequest, { io: 'input', unrepresentable: 'any' }) as object })
  @ApiHeader({ name: 'X-Request-Id', required: false, description: 'Chooses the variant and names the request for labels that come later; a new one if absent.' })
  async infer(@Param('model') name: string, @Req() req: Asking, @Res() res: Response, @Param('version') version?: string): Promise<void> {
    const requestedAt = new Date().toISOString();
    this.#endpoint(name, req.principal); // before the body is read: an unknown model needs no 10 MB
    const contentType = contentTypeOf(req);
    const body = await readBody(req, this.config.RUNTIME_MAX_BODY_BYTES).catch((error: unknown) => {
      throw error instanceof BodyTooLarge ? new InferenceRefused(413, `${error.message}; send fewer rows at a time`) : error;
    });
    const request = parseInference(body.toString('utf8'));
    const requestId = requestIdOf(req, request.id);

    // From here to run() there is no await: the variant that is chosen is the one that answers.
    const endpoint = this.#endpoint(name, req.principal);
    const variant = this.#variantFor(endpoint, requestId, version);
    const metadata = variant.metadata as ModelMetadata;
    const [tensors, outputs] = [tensorsFor(request, metadata), outputsFor(request, metadata)];
    if (this.#atWork >= this.config.RUNTIME_MAX_CONCURRENT) {
      this.#count(name, variant, 'busy');
      throw new InferenceRefused(429, `${this.#atWork} inferences are at work, the most that this runtime takes on; send the request again`);
    }
    this.#atWork += 1;
    const started = performance.now();
    const answer = await variant
      .run(tensors, outputs)
      .catch((error: unknown) => {
        this.#count(name, variant, 'failed');
        if (error instanceof SessionLost) throw new InferenceRefused(503, `${error.message}; it is loaded again, send the request again`);
        throw new InferenceRefused(400, `the model could not compute these values: ${(error as Error).message}`);
      })
      .finally(() => (this.#atWork -= 1));
    this.#measures.seconds.record((performance.now() - started) / 1000, { endpoint: name, variant: variant.route.variantId });

    const { variantId, modelVersionId } = variant.route;
    const response = Buffer.from(JSON.stringify(responseOf({ name, version: variant.route.version }, request.id ?? requestId, answer)));
    this.#count(name, variant, 'answered');
    this.log.add({
      inference: {
        ceId: usableId(req.get('ce-id')) ?? randomUUID(),
        requestId,
        endpointName: name,
        endpointId: endpoint.route.endpointId,
        projectId: endpoint.route.projectId,
        variantId,
        modelVersionId,
        contentType,
        source: `http://localhost:${req.socket.localPort ?? this.config.PORT}/`,
        requestedAt,
        respondedAt: new Date().toISOString(),
      },
      request: body,
      response,
      trace: traceHeaders(),
    });
    res.status(200).set({ 'Vitae-Variant': variantId, 'X-Request-Id': requestId }).type('application/json').send(response);
  }

  /** To who has nothing in its project, an endpoint is not there. */
  #endpoint(name: string, principal: Principal | undefined): ServedEndpoint {
    const endpoint = this.endpoints.get(name);
    if (!endpoint || !principal || !belongsTo(principal, endpoint.route.projectId)) throw new InferenceRefused(404, `there is no model ${name}; GET /v2/models lists those that there are`);
    mustHave(principal, 'model.infer', endpoint.route.projectId);
    return endpoint;
  }

  #variantFor(endpoint: ServedEndpoint, requestId: string, version: string | undefined): ServedVariant {
    if (version !== undefined) return this.#versionOf(endpoint, version);
    const arm = armOf(endpoint, requestId);
    if (!arm) throw new InferenceRefused(503, `model ${endpoint.name} is not ready: none of its variants with traffic is loaded yet`);
    return arm.variant;
  }

  #versionOf(endpoint: ServedEndpoint, version: string): ServedVariant {
    const variants = endpoint.arms.map(({ variant }) => variant).filter(({ route }) => String(route.version) === version);
    if (variants.length === 0) throw new InferenceRefused(404, `model ${endpoint.name} has no version ${version}; it has ${endpoint.route.variants.map((variant) => variant.version).join(', ')}`);
    const ready = variants.find(({ state }) => state === 'ready');
    if (!ready) throw new InferenceRefused(503, `version ${version} of model ${endpoint.name} is not loaded yet`);
    return ready;
  }

  /** Of the named version, else of the variant with most of the traffic. */
  #metadataOf(endpoint: ServedEndpoint, version: string | undefined): ModelMetadata {
    if (version !== undefined) return this.#versionOf(endpoint, version).metadata as ModelMetadata;
    const [first] = endpoint.arms.filter(({ variant, weight }) => variant.state === 'ready' && weight > 0).sort((a, b) => b.weight - a.weight);
    if (!first) throw new InferenceRefused(503, `model ${endpoint.name} is not ready: none of its variants with traffic is loaded yet`);
    return first.variant.metadata as ModelMetadata;
  }

  #count(endpoint: string, variant: ServedVariant, outcome: string): void {
    this.#measures.inferences.add(1, { endpoint, variant: variant.route.variantId, outcome });
  }
}

/** The protocol is JSON; a body that does not say what it is is taken for it. */
function contentTypeOf(req: Request): string {
  if (req.headers['inference-header-content-length'] !== undefined) throw new InferenceRefused(415, 'the binary tensor data extension is not spoken here; send the values as JSON');
  const encoding = req.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') throw new InferenceRefused(415, `the body is ${encoding}-encoded; send it plain`);
  const type = req.headers['content-type'] ?? 'application/json';
  if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(type)) throw new InferenceRefused(415, `the body is ${type}; send application/json`);
  return type;
}

/** X-Request-Id, else the protocol's id, else a new one. */
function requestIdOf(req: Request, id: string | undefined): string {
  const header = req.get('x-request-id');
  if (header === undefined) return id || randomUUID();
  const usable = usableId(header);
  if (usable === undefined) throw new InferenceRefused(400, 'X-Request-Id cannot be read; send 1 to 200 visible ASCII characters without spaces');
  return usable;
}
