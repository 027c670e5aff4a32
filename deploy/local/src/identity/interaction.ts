import type { Interaction, InteractionResults, KoaContextWithOIDC, Provider } from 'oidc-provider';
import { choicePage } from './pages.ts';
import { personaOf } from './personas.ts';

/** Longer than any choice; nobody has to read more of a body than that. */
const MOST_BYTES = 4_096;

/** What a person does herself while she logs in: she chooses who she is. What she lets a client do is not asked: it may what she may. */
export function interactions(provider: Provider) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    if (!/^\/interaction\/[\w-]+$/.test(ctx.path)) return next();
    if (ctx.method !== 'GET' && ctx.method !== 'POST') return ctx.throw(405);
    const interaction = await provider.interactionDetails(ctx.req, ctx.res);
    if (interaction.prompt.name === 'consent') return finish(provider, ctx, await consent(provider, interaction));
    if (ctx.method === 'GET') return show(provider, ctx, interaction);

    const chosen = new URLSearchParams(await bodyOf(ctx)).get('persona');
    if (chosen === '') return finish(provider, ctx, { error: 'access_denied', error_description: 'Nobody was chosen.' });
    const persona = personaOf(chosen ?? '');
    if (!persona) {
      ctx.status = 422;
      return show(provider, ctx, interaction, 'Nobody here has that name. Choose one of these.');
    }
    return finish(provider, ctx, { login: { accountId: persona.id, amr: ['user'] } });
  };
}

async function show(provider: Provider, ctx: KoaContextWithOIDC, { params, session }: Interaction, refusal?: string): Promise<void> {
  const client = await provider.Client.find(String(params['client_id']));
  ctx.type = 'html';
  ctx.body = choicePage(client?.clientName ?? 'Somebody', ctx.path, session?.accountId, refusal);
}

/** Answers the response itself, so Koa must not. */
async function finish(provider: Provider, ctx: KoaContextWithOIDC, result: InteractionResults): Promise<void> {
  ctx.respond = false;
  await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: result.consent !== undefined });
}

async function consent(provider: Provider, { grantId, session, params, prompt: { details } }: Interaction): Promise<InteractionResults> {
  const known = grantId ? await provider.Grant.find(grantId) : undefined;
  const grant = known ?? new provider.Grant({ accountId: session?.accountId, clientId: String(params['client_id']) });
  const { missingOIDCScope, missingOIDCClaims } = details as { missingOIDCScope?: string[]; missingOIDCClaims?: string[] };
  if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
  if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
  return { consent: { grantId: await grant.save() } };
}

async function bodyOf(ctx: KoaContextWithOIDC): Promise<string> {
  let text = '';
  for await (const chunk of ctx.req) {
    text += String(chunk);
    if (text.length > MOST_BYTES) ctx.throw(413);
  }
  return text;
}
