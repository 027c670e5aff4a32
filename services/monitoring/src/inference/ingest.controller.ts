import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ApiConsumes, ApiHeader, ApiTags } from '@nestjs/swagger';
import { InProject, mustHave, Needs, Problem, type KnownRequest } from '@vitae/service-kit';
import type { Request } from 'express';
import { readAttributes } from './cloud-event.ts';
import { InferenceStream } from './inference-stream.client.ts';

/** Where the loggers of model servers deliver: KServe's, and the Vitae runtime's. */
@ApiTags('ingest')
@Controller('ingest')
@Needs('inference.log')
@InProject('any') // the event names it
export class IngestController {
  constructor(private readonly stream: InferenceStream) {}

  /**
   * Takes one half of an inference as a CloudEvent in binary mode. 202 once it is stored; anything else: send it again,
   * the same event twice is counted once. What the body holds is looked at later: an unreadable one is counted as such.
   */
  @Post('cloudevents')
  @HttpCode(202)
  @ApiConsumes('application/json')
  @ApiHeader({ name: 'Ce-Annotations', required: true, description: 'JSON with vitae.dev/endpoint-id, vitae.dev/variant-id and vitae.dev/model-version-id' })
  async take(@Req() request: Request & KnownRequest & { rawBody?: Buffer }): Promise<void> {
    const header = (name: string): string | undefined => {
      const value = request.headers[`ce-${name}`];
      return Array.isArray(value) ? value[0] : value;
    };
    const attributes = readAttributes(header);
    if (!('half' in attributes)) {
      throw new Problem(400, 'cloudevent-malformed', 'The CloudEvent cannot be read', 'The event needs the ce- headers of an inference in binary mode, as KServe sends them. Correct the headers named in errors and send it again.', {
        errors: attributes.map(({ attribute, detail }) => ({ pointer: `/${attribute}`, detail })),
      });
    }
    mustHave(request.principal, 'inference.log', attributes.projectId);
    await this.stream.publish(attributes, header, request.rawBody ?? (await remaining(request)));
  }
}

/** Longest body that is read here, of a type that the JSON parser left alone. */
const MOST_BYTES = 1_048_576;

async function remaining(request: Request): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > MOST_BYTES) throw new Problem(413, 'body-too-large', 'The body is too large', `An inference may have at most ${MOST_BYTES} bytes. Send fewer rows in one request.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
