import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** An OpenAI-compatible endpoint, and which of its models to use. */
export interface EndpointSettings {
  /** Such as `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  /** Null: the server asks for none. */
  readonly apiKey: string | null;
  readonly model: string;
}

export interface ProviderSettings {
  readonly brain:
    | { readonly kind: 'knowledge'; readonly folder: string }
    | ({ readonly kind: 'openai' } & EndpointSettings);
  /** `browser`: the visitor's own. */
  readonly ears: { readonly kind: 'browser' } | ({ readonly kind: 'openai' } & EndpointSettings);
  readonly voice:
    | { readonly kind: 'flite' }
    | ({ readonly kind: 'openai'; readonly voices: readonly string[] } & EndpointSettings);
}

const OWN_KNOWLEDGE = fileURLToPath(new URL('../knowledge', import.meta.url));

const url = z.url({ protocol: /^https?$/, error: 'must be an http(s) address' });

/** A provider is used once its model is named; its address and key may be its own, or those of all. */
export const providerEnvironment = z.object({
  VIZAVI_KNOWLEDGE: z.string().default(OWN_KNOWLEDGE),
  VIZAVI_OPENAI_URL: url.default('https://api.openai.com/v1'),
  VIZAVI_OPENAI_KEY: z.string().optional(),
  VIZAVI_CHAT_MODEL: z.string().optional(),
  VIZAVI_CHAT_URL: url.optional(),
  VIZAVI_CHAT_KEY: z.string().optional(),
  VIZAVI_EARS_MODEL: z.string().optional(),
  VIZAVI_EARS_URL: url.optional(),
  VIZAVI_EARS_KEY: z.string().optional(),
  VIZAVI_VOICE_MODEL: z.string().optional(),
  VIZAVI_VOICE_URL: url.optional(),
  VIZAVI_VOICE_KEY: z.string().optional(),
  VIZAVI_VOICES: z
    .string()
    .default('alloy')
    .transform((list) => list.split(',').flatMap((name) => name.trim() || []))
    .refine((names) => names.length > 0, 'must name a voice'),
});

export function providerSettings(data: z.output<typeof providerEnvironment>): ProviderSettings {
  const endpoint = (role: 'CHAT' | 'EARS' | 'VOICE'): ({ kind: 'openai' } & EndpointSettings) | null => {
    const model = data[`VIZAVI_${role}_MODEL`];
    if (model === undefined) return null;
    const baseUrl = (data[`VIZAVI_${role}_URL`] ?? data.VIZAVI_OPENAI_URL).replace(/\/+$/, '');
    const apiKey = data[`VIZAVI_${role}_KEY`] ?? data.VIZAVI_OPENAI_KEY ?? null;
    return { kind: 'openai', baseUrl, apiKey, model };
  };
  const voice = endpoint('VOICE');
  return {
    brain: endpoint('CHAT') ?? { kind: 'knowledge', folder: data.VIZAVI_KNOWLEDGE },
    ears: endpoint('EARS') ?? { kind: 'browser' },
    voice: voice ? { ...voice, voices: data.VIZAVI_VOICES } : { kind: 'flite' },
  };
}
