import type { Ears } from './ears.ts';
import type { OpenAiEarsSettings } from './openai-ears.ts';

export type { Ears, TranscribeOptions } from './ears.ts';
export { EARS_SAMPLE_RATE } from './ears.ts';

export type EarsSettings = { readonly kind: 'browser' } | ({ readonly kind: 'openai' } & OpenAiEarsSettings);

/** The server's ears; null where browsers have to listen themselves. @throws VizaviError `invalid_config` */
export async function openEars(settings: EarsSettings): Promise<Ears | null> {
  switch (settings.kind) {
    case 'browser':
      return null;
    case 'openai': {
      const { OpenAiEars } = await import('./openai-ears.ts');
      return new OpenAiEars(settings);
    }
  }
}
