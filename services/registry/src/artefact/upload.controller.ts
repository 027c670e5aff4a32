import { Controller, Delete, Head, HttpCode, Inject, Options, Param, Patch, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiHeader } from '@nestjs/swagger';
import { CONFIG, Context, Needs, Problem, projectId, type CommandContext } from '@vitae/service-kit';
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { RegistryConfig } from '../config.ts';
import { prefixOf } from '../exports/origin.ts';
import { brokenOff, declaredDigest } from './upload-request.ts';
import type { UploadSession } from './upload-session.ts';
import { UploadSessions } from './upload-sessions.store.ts';

const VERSION = '1.0.0';
const PIECE = 'application/offset+octet-stream';

/**
 * Uploads that can be resumed, by tus 1.0.0 (core, creation, expiration, termination), so that any tus client works.
 * Ours: `Vitae-Digest` announces the digest when it begins, and tells it when the last byte was kept.
 */
@Controller('v1/projects/:projectId/artefact-uploads')
@Needs('model.register', 'dataset.register', 'run.track')
export class UploadController {
  constructor(
    private readonly uploads: UploadSessions,
    @Inject(CONFIG) private readonly config: RegistryConfig,
  ) {}

  @Options()
  @HttpCode(204)
  whatIsPossible(@Res({ passthrough: true }) res: Response): void {
    res.set({ 'Tus-Resumable': VERSION, 'Tus-Version': VERSION, 'Tus-Extension': 'creation,expiration,termination', 'Tus-Max-Size': String(this.config.VITAE_MAX_ARTEFACT_BYTES) });
  }

  @Post()
  @HttpCode(201)
  @ApiHeader({ name: 'Tus-Resumable', required: true, description: '1.0.0', schema: { type: 'string' } })
  @ApiHeader({ name: 'Upload-Length', required: true, description: 'How many bytes will come.', schema: { type: 'integer' } })
  @ApiHeader({ name: 'Vitae-Digest', required: false, description: 'sha256:<hex> of all bytes; 422 with the last one if it is another.', schema: { type: 'string' } })
  async begin(@Context() context: CommandContext, @Req() request: Request, @Res({ passthrough: true }) res: Response): Promise<void> {
    mustSpeakTus(request);
    const session = await this.uploads.begin({ projectId: context.projectId, sizeBytes: numberIn(request, 'upload-length'), declared: declaredDigest(request) });
    tell(res, session);
    // With the front door's prefix: a tus client goes on where this says.
    res.location(`${prefixOf(request)}/v1/projects/${context.projectId}/artefact-uploads/${session.id}`);
  }

  @Head(':uploadId')
  async howFar(@Param('projectId', { schema: projectId }) project: string, @Param('uploadId', { schema: z.uuid() }) id: string, @Req() request: Request, @Res({ passthrough: true }) res: Response): Promise<void> {
    mustSpeakTus(request);
    tell(res, await this.uploads.find(project, id));
    res.set('Cache-Control', 'no-store');
  }

  @Patch(':uploadId')
  @HttpCode(204)
  @ApiConsumes(PIECE)
  @ApiBody({ required: true, schema: { type: 'string', format: 'binary' } })
  @ApiHeader({ name: 'Upload-Offset', required: true, description: 'From which byte on the body goes; 409 if the upload is elsewhere.', schema: { type: 'integer' } })
  async goOn(@Context() context: CommandContext, @Param('uploadId', { schema: z.uuid() }) id: string, @Req() request: Request, @Res({ passthrough: true }) res: Response): Promise<void> {
    mustSpeakTus(request);
    if (request.headers['content-type'] !== PIECE) {
      throw new Problem(415, 'unsupported-media-type', 'The content type is not supported', `The body came with ${request.headers['content-type'] ?? 'no Content-Type'}. Send the bytes as ${PIECE}.`);
    }
    try {
      tell(res, await this.uploads.append(context.projectId, id, numberIn(request, 'upload-offset'), request));
    } catch (error) {
      throw brokenOff(request, error, 'The connection ended before the whole body had arrived. What came is kept: ask with HEAD how far it is, and go on from there.');
    }
  }

  @Delete(':uploadId')
  @HttpCode(204)
  async end(@Context() context: CommandContext, @Param('uploadId', { schema: z.uuid() }) id: string, @Req() request: Request, @Res({ passthrough: true }) res: Response): Promise<void> {
    mustSpeakTus(request);
    await this.uploads.end(context.projectId, id);
    res.set('Tus-Resumable', VERSION);
  }
}

function tell(res: Response, { offset, sizeBytes, expiresAt, digest }: UploadSession): void {
  res.set({
    'Tus-Resumable': VERSION,
    'Upload-Offset': String(offset),
    'Upload-Length': String(sizeBytes),
    'Upload-Expires': new Date(expiresAt).toUTCString(),
    ...(digest === undefined ? {} : { 'Vitae-Digest': digest }),
  });
}

function mustSpeakTus(request: Request): void {
  if (request.headers['tus-resumable'] === VERSION) return;
  throw new Problem(412, 'tus-version-unsupported', 'The upload protocol is not supported', `This is tus ${VERSION}. Send the header Tus-Resumable: ${VERSION}, or upload in one piece: POST …/artefacts.`, {
    headers: { 'Tus-Version': VERSION, 'Tus-Resumable': VERSION },
  });
}

function numberIn(request: Request, name: 'upload-length' | 'upload-offset'): number {
  const text = request.headers[name];
  if (typeof text === 'string' && /^\d{1,15}$/.test(text)) return Number(text);
  throw new Problem(400, `${name}-malformed`, 'A header cannot be read', `${name} takes a number of bytes, in digits, and was ${text === undefined ? 'missing' : JSON.stringify(String(text).slice(0, 100))}.`);
}
