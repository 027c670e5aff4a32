import { Controller, Get, Header, Param, Req, Res } from '@nestjs/common';
import { ApiExcludeController, ApiTags } from '@nestjs/swagger';
import { Problem } from '@vitae/service-kit';
import { parseBundlePath, parseTilePath } from '@vitae/transparency';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { LogFiles } from './log-files.store.ts';
import { LogState } from './log-state.store.ts';

const FOR_EVER = 'public, max-age=31536000, immutable';
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
  @Header('Content-Type', 'text/plain; charset=utf-8')
  @Header('Cache-Control', 'public, max-age=1')
  async checkpoint(): Promise<string> {
    return (await this.files.checkpoint()) ?? missing('The log has no checkpoint yet: the first is signed a second after the first event.');
  }

  /** For convenience, never to be trusted: whoever gets the key from the log itself believes the log whatever it says. */
  @Get('log.vkey')
  @Header('Content-Type', 'text/plain; charset=utf-8')
  @Header('Cache-Control', 'no-cache')
  async verifierKeys(): Promise<string> {
    return (await this.state.keys()).map((key) => `${key}\n`).join('');
  }

  @Get(['tile/*path', 'events/*path'])
  async file(@Req() request: Request, @Res() response: Response): Promise<void> {
    const path = request.path.slice('/log/'.length);
    const bytes = (await this.#read(path)) ?? missing(`The log has no file ${path}, or not yet. What there is follows from the size in /log/checkpoint.`);
    response.set({ 'Content-Type': 'application/octet-stream', 'Cache-Control': FOR_EVER }).send(Buffer.from(bytes));
  }

  async #read(path: string): Promise<Uint8Array | undefined> {
    const tile = parseTilePath(path);
    if (tile) return this.files.tile(tile);
    const bundle = parseBundlePath(path);
    return bundle && this.files[bundle.kind](bundle.index, bundle.width);
  }
}

/** The log for people and programs that want one answer. */
@ApiTags('log')
@Controller('v1/log')
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
