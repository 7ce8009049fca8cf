import type { Brain } from './brain.ts';
import { KnowledgeBrain } from './knowledge-brain.ts';
import type { OpenAiBrainSettings } from './openai-brain.ts';

export type { Brain, Exchange, ReplyRequest, Tool, ToolCall } from './brain.ts';

export type BrainSettings =
  | { readonly kind: 'knowledge'; /** Of Markdown files. */ readonly folder: string }
  | ({ readonly kind: 'openai' } & OpenAiBrainSettings);

/** What a brain is made of is loaded when it is wanted. @throws VizaviError `invalid_config` */
export async function openBrain(settings: BrainSettings): Promise<Brain> {
  switch (settings.kind) {
    case 'knowledge':
      return KnowledgeBrain.open(settings.folder);
    case 'openai': {
      const { OpenAiBrain } = await import('./openai-brain.ts');
      return new OpenAiBrain(settings);
    }
  }
}
