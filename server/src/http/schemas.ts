import { z } from '@hono/zod-openapi';
import {
  EMOTIONS,
  GESTURES,
  CLOSE_REASONS,
  ERROR_CODES,
  MAX_TEXT_LENGTH,
  ROLES,
  SESSION_STATES,
} from '@vizavi/signaling';
import type { SessionState } from '@vizavi/signaling';

const time = z.iso.datetime().openapi({ example: '2026-01-31T12:00:00.000Z' });
const sessionId = z.string().openapi({ example: 'V1StGXR8Z5jdHi6B' });

export const sessionRequest = z
  .strictObject({
    avatarId: z.string().optional().openapi({ description: 'From GET /v1/avatars; by default the first.' }),
    voice: z
      .string()
      .optional()
      .openapi({ description: 'One of the avatar’s voices; by default the first.' }),
    maxDurationSec: z.number().int().min(10).max(86_400).optional(),
    idleTimeoutSec: z.number().int().min(10).max(3600).optional().openapi({
      description: 'The session ends after so long without a command.',
    }),
    queue: z.boolean().optional().openapi({
      description: 'False: refused with no_capacity when no avatar is free. By default the session waits.',
    }),
    instructions: z.string().min(1).max(20_000).optional().openapi({
      description: 'Who the avatar is and how it speaks, for its brain.',
    }),
    tools: z
      .array(
        z.strictObject({
          name: z.string().regex(/^[\w-]{1,64}$/),
          description: z.string().max(2000),
          parameters: z.record(z.string(), z.unknown()).openapi({ description: 'JSON Schema of an object' }),
        }),
      )
      .max(32)
      .optional()
      .openapi({ description: 'What the page can do for the avatar; it is asked by the event tool.called.' }),
    language: z
      .string()
      .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/)
      .optional()
      .openapi({ description: 'BCP 47: what the visitor speaks.', example: 'en' }),
  })
  .openapi('SessionRequest');

const state = z.enum(Object.keys(SESSION_STATES) as [SessionState, ...SessionState[]]);
const queue = z
  .object({
    position: z.number().int().openapi({ description: '1 is the next.' }),
    estimateMs: z.number().nullable().openapi({ description: 'Null while nothing is known.' }),
  })
  .nullable()
  .openapi('QueuePlace', { description: 'Null unless the session waits for an avatar.' });

export const createdSession = z
  .object({
    sessionId,
    token: z.string().openapi({ description: 'For the browser; opens this session and nothing else.' }),
    url: z.url().openapi({ description: 'The server that the client connects to.' }),
    expiresAt: time,
    state,
    queue,
  })
  .openapi('CreatedSession');

export const session = z
  .object({
    sessionId,
    avatarId: z.string(),
    voice: z.string(),
    state,
    queue,
    viewers: z.number().int(),
    speaking: z.boolean(),
    createdAt: time,
    expiresAt: time,
    closeReason: z.enum(CLOSE_REASONS).nullable(),
  })
  .openapi('Session');

export const speakRequest = z
  .strictObject({
    // Its length is judged by the session, so that too long a text has an error of its own.
    text: z.string().openapi({ example: 'Hello!', minLength: 1, maxLength: MAX_TEXT_LENGTH }),
    emotion: z.enum(EMOTIONS).default('neutral').openapi({ description: 'How the face says it.' }),
    gesture: z.enum(GESTURES).optional().openapi({ description: 'What it does as it begins.' }),
  })
  .openapi('SpeakRequest');

export const messageRequest = z
  .strictObject({
    text: z.string().openapi({ example: 'What can you do?', minLength: 1, maxLength: MAX_TEXT_LENGTH }),
  })
  .openapi('MessageRequest');

export const begunReply = z.object({ replyId: z.string() }).openapi('BegunReply');

export const tokenRequest = z
  .strictObject({
    role: z.enum(ROLES).optional().openapi({
      description:
        'By default audience. A visitor talks with the avatar, a presenter directs it, an audience only watches.',
    }),
  })
  .openapi('TokenRequest');

export const issuedToken = z
  .object({ token: z.string(), role: z.enum(ROLES), url: z.url(), expiresAt: time })
  .openapi('IssuedToken');

export const queuedUtterance = z.object({ utteranceId: z.string() }).openapi('QueuedUtterance');

export const interruption = z
  .object({
    interrupted: z
      .array(z.string())
      .openapi({ description: 'Utterances that will not be heard to their end.' }),
    tookMs: z.number(),
  })
  .openapi('Interruption');

export const avatar = z
  .object({
    avatarId: z.string(),
    name: z.string(),
    width: z.number().int(),
    height: z.number().int(),
    fps: z.number(),
    slots: z.number().int().openapi({ description: 'Sessions that it can serve at once.' }),
    freeSlots: z.number().int(),
    voices: z.array(z.string()).openapi({ description: 'The one that suits the face comes first.' }),
  })
  .openapi('Avatar');

export const problem = z
  .object({
    error: z.object({
      code: z.enum(ERROR_CODES),
      message: z.string(),
      retryable: z.boolean().openapi({ description: 'The same request may succeed later.' }),
    }),
  })
  .openapi('Problem');
