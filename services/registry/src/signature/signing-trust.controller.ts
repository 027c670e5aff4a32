import { createHash } from 'node:crypto';
import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { keyId, nameOf, parseCertificates, parsePublicKey, publicPem, SignatureInvalid } from '@vitae/model-signing';
import { changed, type CommandContext, Context, created, etag, Needs, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { z } from 'zod';
import { text } from '../request.ts';
import { signingKeyUnusable, type SigningKey } from './signing-trust.ts';
import { ForSigningTrust } from './signing-trust.handler.ts';
import { SigningTrusts } from './signing-trust.view.ts';

const NewSigningKey = z.strictObject({ name: text(256).min(1), pem: z.string().min(1).max(16_384) });
const Requirement = z.strictObject({ required: z.boolean() });

/** Whom a project believes when somebody signs a model. */
@Controller('v1/projects/:projectId/signing-trust')
@Needs('registry.read')
export class SigningTrustController {
  constructor(
    private readonly commands: CommandBus,
    private readonly trusts: SigningTrusts,
  ) {}

  @Get()
  async read(@Param('projectId', { schema: projectId }) project: string, @Res({ passthrough: true }) res: Response) {
    const { required, keys, revision } = (await this.trusts.of(project)) ?? { required: false, keys: [], revision: 0 };
    if (revision > 0) res.set('ETag', etag(revision));
    return { required, keys };
  }

  @Post('keys')
  @Needs('signing-trust.manage')
  async trust(@Context() context: CommandContext, @Body({ schema: NewSigningKey }) { name, pem }: z.infer<typeof NewSigningKey>, @Res({ passthrough: true }) res: Response) {
    const key = signingKeyOf(name, pem);
    const handled = await this.commands.execute(new ForSigningTrust({ type: 'TrustSigningKey', ...key }, context));
    return created(res, handled, `/v1/projects/${context.projectId}/signing-trust`, { signingKeyId: key.signingKeyId, method: key.method, name, subject: key.subject });
  }

  @Delete('keys/:signingKeyId')
  @Needs('signing-trust.manage')
  async distrust(
    @Context() context: CommandContext,
    @Param('signingKeyId', { schema: z.string().regex(/^[0-9a-f]{64}$/, 'A signing key id is 64 lower-case hexadecimal digits.') }) signingKeyId: string,
    @Res({ passthrough: true }) res: Response,
  ) {
    return changed(res, await this.commands.execute(new ForSigningTrust({ type: 'DistrustSigningKey', signingKeyId }, context)), { signingKeyId });
  }

  @Put('requirement')
  @Needs('signing-trust.manage')
  @HttpCode(200)
  async require(@Context() context: CommandContext, @Body({ schema: Requirement }) { required }: z.infer<typeof Requirement>, @Res({ passthrough: true }) res: Response) {
    const type = required ? 'RequireModelSignatures' : 'StopRequiringModelSignatures';
    return changed(res, await this.commands.execute(new ForSigningTrust({ type }, context)), { required });
  }
}

/** @throws Refused SIGNING_KEY_UNUSABLE. */
function signingKeyOf(name: string, pem: string): SigningKey {
  try {
    if (!pem.includes('-----BEGIN CERTIFICATE-----')) {
      const key = parsePublicKey(pem);
      return { signingKeyId: keyId(key), method: 'key', pem: publicPem(key), name, subject: '' };
    }
    const [certificate, ...more] = parseCertificates(pem);
    if (!certificate || more.length > 0) throw signingKeyUnusable(`there are ${more.length + 1} certificates`);
    return { signingKeyId: createHash('sha256').update(certificate.raw).digest('hex'), method: 'certificate', pem: certificate.toString(), name, subject: nameOf(certificate).slice(0, 1000) };
  } catch (error) {
    throw error instanceof SignatureInvalid ? signingKeyUnusable(error.message) : error;
  }
}
