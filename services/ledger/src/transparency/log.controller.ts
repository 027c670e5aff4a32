import { Controller, Get, Header, Param, Req, Res } from '@nestjs/common';
import { ApiExcludeController, ApiTags } from '@nestjs/swagger';
import { Needs, Problem, Public } from '@vitae/service-kit';
import { parseBundlePath, parseTilePath } from '@vitae/transparency';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { LogFiles } from './log-files.store.ts';
import { LogState } from './log-state.store.ts';

const FOR_EVER = 'max-age=31536000, immutable';
const OPEN = 'hashes and signatures only: witnesses, and whoever checks the log from outside, must be able to fetch them';
const index = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** The files of the log, as C2SP tlog-tiles lays them out, and the events behind them. */
@ApiExcludeController() // a file layout with a specification of its own, not an API of ours
@Controller('log')
export class LogFilesController {
  constructor(
    private readonly files: LogFiles,
    private readonly state: LogState,
  ) {}

  @Get('checkpoint')
  @Public(OPEN)
  @Header('Content-Type', 'text/plain; charset=utf-8')
  @Header('Cache-Control', 'public, max-age=1')
  async checkpoint(): Promise<string> {
    return (await this.files.checkpoint()) ?? missing('The log has no checkpoint yet: the first is signed a second after the first event.');
  }

  /** For convenience, never to be trusted: whoever gets the key from the log itself believes the log whatever it says. */
  @Get('log.vkey')
  @Public(OPEN)
  @Header('Content-Type', 'text/plain; charset=utf-8')
  @Header('Cache-Control', 'no-cache')
  async verifierKeys(): Promise<string> {
    return (await this.state.keys()).map((key) => `${key}\n`).join('');
  }

  /** What happened, in all projects. */
  @Get(['tile/entries/*path', 'events/*path'])
  @Needs('log.read')
  async bundle(@Req() request: Request, @Res() response: Response): Promise<void> {
    const bundle = parseBundlePath(pathIn(request));
    send(request, response, bundle && (await this.files[bundle.kind](bundle.index, bundle.width)), 'private');
  }

  /** Hashes. MUST stand below the bundles, whose addresses fit here, too, and MUST give no bundle however its path is written. */
  @Get('tile/*path')
  @Public(OPEN)
  async tile(@Req() request: Request, @Res() response: Response): Promise<void> {
    const tile = parseTilePath(pathIn(request));
    send(request, response, tile && (await this.files.tile(tile)), 'public');
  }
}

const pathIn = (request: Request): string => request.path.slice('/log/'.length);

/** @param cache whether a cache that several people share may keep the file. */
function send(request: Request, response: Response, bytes: Uint8Array | undefined, cache: 'public' | 'private'): void {
  if (!bytes) missing(`The log has no file ${pathIn(request)}, or not yet. What there is follows from the size in /log/checkpoint.`);
  response.set({ 'Content-Type': 'application/octet-stream', 'Cache-Control': `${cache}, ${FOR_EVER}` }).send(Buffer.from(bytes));
}

/** The log for people and programs that want one answer. */
@ApiTags('log')
@Controller('v1/log')
@Needs('log.read')
export class LogController {
  constructor(
    private readonly files: LogFiles,
    private readonly state: LogState,
  ) {}

  @Get()
  read() {
    return this.state.read();
  }

  /** A C2SP tlog-proof: a small file that shows, without network, that the event is in the log. */
  @Get('proof/:index')
  @Header('Content-Type', 'text/plain; charset=utf-8')
  @Header('Cache-Control', 'no-cache')
  async proof(@Param('index', { schema: index }) at: number): Promise<string> {
    return (await this.files.proof(at)) ?? missing(`No checkpoint covers an event with index ${at} yet. GET /v1/log says how far the log is signed.`);
  }
}

function missing(detail: string): never {
  throw new Problem(404, 'log-file-not-found', 'The log does not have that', detail);
}
