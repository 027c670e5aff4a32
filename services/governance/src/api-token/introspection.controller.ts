import { Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiTags } from '@nestjs/swagger';
import { ApiTokens, Needs, Problem } from '@vitae/service-kit';
import type { Request, Response } from 'express';

/** Far more than a form with one token needs. */
const MOST_BYTES = 8_192;

/** What an API token is good for, told to services that have no database to look into (RFC 7662). */
@ApiTags('api-tokens')
@Controller('v1')
@Needs('token.introspect')
export class IntrospectionController {
  constructor(private readonly tokens: ApiTokens) {}

  /** `{ "active": false }` for everything that is not good for anything now, and nothing about why. */
  @Post('introspect')
  @HttpCode(200)
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiBody({ schema: { type: 'object', required: ['token'], properties: { token: { type: 'string' }, token_type_hint: { type: 'string' } } } })
  async introspect(@Req() request: Request, @Res({ passthrough: true }) res: Response) {
    res.set('Cache-Control', 'no-store');
    const found = await this.tokens.checkNow(tokenIn(await formOf(request)));
    if ('refused' in found) return { active: false };
    const { id, name, owner, projects, permissions, expiresAt } = found;
    return { active: true, token_type: 'Bearer', sub: id, username: name, owner, exp: Math.floor(expiresAt.getTime() / 1_000), projects, permissions };
  }
}

function tokenIn(form: URLSearchParams): string {
  const tokens = form.getAll('token');
  const [token] = tokens;
  if (token !== undefined && token !== '' && tokens.length === 1) return token;
  throw new Problem(400, 'invalid-request', 'The request does not have the expected form', 'Send one token as application/x-www-form-urlencoded: token=vitae_…');
}

async function formOf(request: Request): Promise<URLSearchParams> {
  if (!request.is('application/x-www-form-urlencoded')) {
    throw new Problem(415, 'unsupported-media-type', 'The content type is not supported', 'This route reads application/x-www-form-urlencoded, as RFC 7662 says.');
  }
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MOST_BYTES) throw new Problem(413, 'body-too-large', 'The body is too large', `The body has more than ${MOST_BYTES} bytes, and a token has fewer than 100.`);
    parts.push(part);
  }
  return new URLSearchParams(Buffer.concat(parts).toString('utf8'));
}
