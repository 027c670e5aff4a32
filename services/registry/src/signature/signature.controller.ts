import { Controller, Get, Param } from '@nestjs/common';
import { parseBundle, parseStatement } from '@vitae/model-signing';
import { Needs, Problem, projectId } from '@vitae/service-kit';
import { z } from 'zod';
import { ArtefactStore } from '../artefact/artefact.store.ts';
import { ModelVersionSignatures } from './signatures.view.ts';

@Controller('v1/projects/:projectId/model-versions/:modelVersionId/signature')
@Needs('registry.read')
export class SignatureController {
  constructor(
    private readonly signatures: ModelVersionSignatures,
    private readonly artefacts: ArtefactStore,
  ) {}

  /** Who signed, as it was found when the version was registered; and the bundle, for whoever wants to verify it himself. */
  @Get()
  async read(@Param('projectId', { schema: projectId }) project: string, @Param('modelVersionId', { schema: z.uuid() }) id: string) {
    const row = await this.signatures.of(project, id);
    if (!row) throw new Problem(404, 'signature-not-found', 'There is no signature', `There is no model version ${id} in this project that was registered with a signature.`);
    const { modelVersionId, artefactDigest, bundleDigest, bundlePath, method, keyId, signer, verifiedAt } = row;
    const bytes = await this.artefacts.whole(bundleDigest);
    return { modelVersionId, artefactDigest, bundleDigest, bundlePath, method, keyId, signer, verifiedAt, bundle: JSON.parse(bytes.toString()) as unknown, statement: parseStatement(parseBundle(bytes).payload) };
  }
}
