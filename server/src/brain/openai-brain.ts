import type { ChatCompletionMessageParam, ChatCompletionTool } from 'openai/resources/chat/completions';
import { systemClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { orStopped } from '../openai/call.ts';
import { Endpoint } from '../openai/endpoint.ts';
import type { EndpointSettings } from '../openai/endpoint.ts';
import type { Brain, ReplyRequest } from './brain.ts';
import { readAnswer } from './openai-answer.ts';
import type { ChatRequest } from './openai-answer.ts';
import { CallCollector, runTool } from './openai-tools.ts';
import type { WantedCall } from './openai-tools.ts';
import { spokenInstructions } from './spoken-instructions.ts';

export interface OpenAiBrainSettings extends EndpointSettings {
  readonly model: string;
  /** Up to the first piece of an answer, with all tries for it. Default: 15 s. */
  readonly timeoutMs?: number;
  /** Longest silence between two pieces. Default: 10 s. */
  readonly stallMs?: number;
  /** Tries after the first one, as long as nothing has been said. Default: 2. */
  readonly retries?: number;
}

/** How often in one reply the model may have tools called and go on with what they gave. */
const TOOL_ROUNDS = 4;
/** A reply is cut there: nobody listens for six minutes. */
const MOST_CHARACTERS = 6000;
/** What is older than this much of the conversation is left out. */
const HISTORY_CHARACTERS = 24_000;

/** Any server that speaks OpenAI's chat completions. */
export class OpenAiBrain implements Brain {
  readonly name = 'openai';
  readonly #endpoint: Endpoint;
  readonly #settings: Required<OpenAiBrainSettings>;
  readonly #clock: Clock;

  /** @throws VizaviError `invalid_config` */
  constructor(settings: OpenAiBrainSettings, clock: Clock = systemClock) {
    this.#endpoint = new Endpoint(settings, {
      what: 'the language model',
      failed: 'brain_failed',
      timedOut: 'timeout',
    });
    this.#settings = { timeoutMs: 15_000, stallMs: 10_000, retries: 2, ...settings };
    this.#clock = clock;
  }

  async *reply(request: ReplyRequest): AsyncGenerator<string, void, undefined> {
    const signal = this.#endpoint.stopping(request.signal);
    const options = { ...this.#settings, clock: this.#clock, signal };
    const messages = toMessages(request);
    let length = 0;
    for (let round = 0; ; round += 1) {
      const collector = new CallCollector();
      let said = '';
      for await (const piece of readAnswer(
        this.#endpoint,
        this.#body(messages, request, round),
        collector,
        options,
      )) {
        // What a model says before and after a call are two sentences.
        yield said === '' && length > 0 ? ` ${piece}` : piece;
        if (signal.aborted) throw this.#endpoint.stopped();
        said += piece;
        length += piece.length;
        if (length > MOST_CHARACTERS) return;
      }
      const calls = round < TOOL_ROUNDS ? collector.all : [];
      if (calls.length === 0) break;
      messages.push(callMessage(said, calls));
      for (const call of calls) {
        const content = await orStopped(runTool(call, request), this.#endpoint, signal);
        messages.push({ role: 'tool', tool_call_id: call.id, content });
      }
    }
    if (length === 0) throw this.#endpoint.failed('had nothing to say');
  }

  close(): Promise<void> {
    this.#endpoint.close();
    return Promise.resolve();
  }

  /** Once it has called often enough, it is to speak. */
  #body(
    messages: readonly ChatCompletionMessageParam[],
    { tools }: ReplyRequest,
    round: number,
  ): ChatRequest {
    const { model } = this.#settings;
    if (tools.length === 0) return { model, messages: [...messages] };
    const functions = tools.map(({ name, description, parameters }): ChatCompletionTool => {
      return { type: 'function', function: { name, description, parameters: { ...parameters } } };
    });
    return {
      model,
      messages: [...messages],
      tools: functions,
      tool_choice: round < TOOL_ROUNDS ? 'auto' : 'none',
    };
  }
}

function toMessages({ instructions, history }: ReplyRequest): ChatCompletionMessageParam[] {
  let left = HISTORY_CHARACTERS;
  const recent = history.filter((_, index) => index === history.length - 1);
  for (const exchange of history.slice(0, -1).reverse()) {
    left -= exchange.text.length;
    if (left < 0) break;
    recent.unshift(exchange);
  }
  return [
    { role: 'system', content: spokenInstructions(instructions) },
    ...recent.map(({ role, text }): ChatCompletionMessageParam => {
      return { role: role === 'visitor' ? 'user' : 'assistant', content: text };
    }),
  ];
}

function callMessage(said: string, calls: readonly WantedCall[]): ChatCompletionMessageParam {
  return {
    role: 'assistant',
    content: said === '' ? null : said,
    tool_calls: calls.map((call) => {
      return { id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } };
    }),
  };
}
