import { Controller, Get, Head, Param, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiCreatedResponse, ApiHeader, ApiOkResponse, ApiResponse } from '@nestjs/swagger';
import { Context, Needs, Problem, projectId, type CommandContext } from '@vitae/service-kit';
import type { Request, Response } from 'express';
import { artefactNotFound, digest } from './artefact.ts';
import { ArtefactStore, type StoredArtefact } from './artefact.store.ts';
import { wantedBytes } from './byte-range.ts';
import { ProjectArtefacts } from './project-artefacts.store.ts';
import { streamOut } from './stream-out.store.ts';
import { brokenOff, declaredDigest } from './upload-request.ts';

const TAKEN = ['application/octet-stream', 'text/csv', 'application/vnd.apache.parquet'];

/** Files in, files out: streamed both ways, named by their digest. What they mean is said when they are registered. */
@Controller('v1/projects/:projectId/artefacts')
@Needs('registry.read')
export class ArtefactController {
  constructor(
    private readonly artefacts: ArtefactStore,
    private readonly brought: ProjectArtefacts,
  ) {}

  @Post()
  @Needs('model.register', 'dataset.register', 'run.track')
  @ApiConsumes(...TAKEN)
  @ApiBody({ required: true, schema: { type: 'string', format: 'binary' } })
  @ApiCreatedResponse({ description: 'The bytes were not there before.' })
  @ApiOkResponse({ description: 'The same bytes were there already.' })
  @ApiHeader({ name: 'Vitae-Digest', required: false, description: 'sha256:<hex> of the body; 422 if it is another.', schema: { type: 'string' } })
  async upload(@Context() context: CommandContext, @Req() request: Request, @Res({ passthrough: true }) res: Response): Promise<StoredArtefact> {
    const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
    if (type === undefined || !TAKEN.includes(type)) {
      throw new Problem(415, 'unsupported-media-type', 'The content type is not supported', `The body came with ${type === undefined ? 'no Content-Type' : `Content-Type ${type}`}. Send the raw bytes as one of ${TAKEN.join(', ')}.`);
    }
    const { added, ...stored } = await this.#receive(request);
    const isNew = await this.brought.add(context.projectId, stored.digest);
    res.status(isNew || added ? 201 : 200).location(`/v1/projects/${context.projectId}/artefacts/${stored.digest}`);
    return stored;
  }

  // Before the GET: otherwise express answers a HEAD by reading the whole file.
  @Head(':digest')
  async look(@Param('projectId', { schema: projectId }) project: string, @Param('digest', { schema: digest }) named: string, @Res() res: Response): Promise<void> {
    this.#announce(res, await this.#mustFind(project, named));
    res.end();
  }

  @Get(':digest')
  @ApiOkResponse({ description: 'The bytes.' })
  @ApiResponse({ status: 206, description: 'The range of them that was asked for.' })
  @ApiHeader({ name: 'Range', required: false, description: 'One range of bytes; 206. Several are answered with the whole.', schema: { type: 'string' } })
  async download(@Param('projectId', { schema: projectId }) project: string, @Param('digest', { schema: digest }) named: string, @Req() request: Request, @Res() res: Response): Promise<void> {
    const found = await this.#mustFind(project, named);
    const wanted = wantedBytes(request.headers.range, found.sizeBytes, { ifRange: request.get('if-range'), tag: tagOf(named) });
    if (wanted.is === 'unsatisfiable') throw unsatisfiable(found);
    const bytes = await this.artefacts.read(named, wanted.is === 'part' ? wanted : undefined);
    this.#announce(res, found);
    if (wanted.is === 'part') {
      res.status(206).set({ 'Content-Range': `bytes ${wanted.start}-${wanted.end}/${found.sizeBytes}`, 'Content-Length': String(wanted.end - wanted.start + 1) });
    }
    await streamOut(bytes, res, named);
  }

  async #receive(request: Request): ReturnType<ArtefactStore['receive']> {
    const declared = declaredDigest(request);
    const length = request.headers['content-length'];
    try {
      return await this.artefacts.receive(request, { declared, announced: length === undefined ? undefined : Number(length) });
    } catch (error) {
      throw brokenOff(request, error, 'The connection ended before the whole body had arrived. Nothing was kept; send it again.');
    }
  }

  async #mustFind(project: string, named: string): Promise<StoredArtefact> {
    const found = await this.brought.find(project, named);
    if (!found) throw artefactNotFound(named);
    return found;
  }

  #announce(res: Response, found: StoredArtefact): void {
    res.status(200).set({
      'Content-Type': 'application/octet-stream',
      'Content-Length': String(found.sizeBytes),
      'Accept-Ranges': 'bytes',
      ETag: tagOf(found.digest),
      'Vitae-Digest': found.digest,
    });
  }
}

/** The entity tag of bytes is their digest. */
const tagOf = (named: string): string => `"${named}"`;

const unsatisfiable = ({ sizeBytes }: StoredArtefact): Problem =>
  new Problem(416, 'range-not-satisfiable', 'The range lies beyond the end', `The artefact has ${sizeBytes} bytes, 0 to ${sizeBytes - 1}. Ask for a range within them.`, {
    headers: { 'Content-Range': `bytes */${sizeBytes}` },
  });
