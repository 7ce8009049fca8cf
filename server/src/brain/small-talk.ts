import { wordsOf } from './terms.ts';

/** What the avatar says of itself. */
export interface Self {
  /** Null when nobody has told. */
  readonly name: string | null;
  /** What can be asked about, as part of a sentence: "what it costs, privacy or voices". */
  readonly topics: string;
}

export type SmallTalk =
  | { readonly kind: 'answer'; readonly text: string }
  /** The last topic is to be gone on with. */
  | { readonly kind: 'more' }
  /** None: this is asked, without the greeting before it. */
  | { readonly kind: 'question'; readonly text: string };

const GREETING =
  '(?:hello|hi|hiya|hey|howdy|hallo|hola|bonjour|greetings|good (?:morning|afternoon|evening|day))';
const FILLERS = new Set(
  'um uh er so well and ok okay please now then again there everyone everybody'.split(' '),
);

const ANSWERS: readonly (readonly [pattern: RegExp, answer: (self: Self) => string])[] = [
  [
    new RegExp(
      `^(?:${GREETING} ?)+(?:(?:nice|pleased|glad) to (?:meet|see) you)?$|^(?:nice|pleased|glad) to (?:meet|see) you$`,
    ),
    ({ name }) => `[warm][bow] Hello! ${name ? `I am ${name}. ` : ''}What would you like to know?`,
  ],
  [
    /^(?:how are you(?: doing| feeling)?(?: today)?|how is it going|hows it going|how do you do|how are things|whats up|what is up|are you (?:ok|okay|well|fine))$/,
    () => '[warm] I am fine, thank you. What would you like to know?',
  ],
  [
    /^(?:(?:many )?thanks(?: a lot| so much| very much)?|thank you(?: so much| very much| a lot)?|thank you for .{1,40}|thx|merci|cheers)$/,
    () => '[warm][nod] You are welcome. Is there anything else?',
  ],
  [
    /^(?:who are you|what are you|what is your name|whats your name|your name|who am i talking (?:to|with)|introduce yourself|tell me (?:about yourself|who you are)|do you have a name|what do i call you)$/,
    ({ name, topics }) =>
      `I am ${name ? `${name}, ` : ''}an avatar: a face and a voice made by a computer. You can ask me about ${topics}.`,
  ],
  [
    /^(?:are|r) (?:you|u) (?:really |just )?(?:an? )?(?:real|alive|human|human being|person|real person|man|woman|robot|bot|chatbot|machine|computer|program|ai|artificial|artificial intelligence|fake|avatar|recording|live)(?: person| human)?$/,
    () => 'I am an AI, not a person. My face and my voice are made by a computer while we talk.',
  ],
  [
    /^(?:(?:good ?)?bye(?: bye)?|goodbye|see you(?: later| soon| tomorrow)?|farewell|good night|ciao|take care|have a (?:nice|good) (?:day|evening|one)|i have to go|that is all|thats all)$/,
    () => '[warm][bow] Goodbye! It was nice to talk with you.',
  ],
  [
    /^(?:help|help me|can you help me|what can you (?:do|tell me|talk about|answer|help me with)|what do you know|what can i ask(?: you)?|what should i ask(?: you)?|what topics (?:do you know|are there))$/,
    ({ topics }) => `You can ask me about ${topics}.`,
  ],
  [
    /^(?:can you (?:hear|see|understand) me|do you (?:hear|understand) me|are you (?:there|here|listening|awake)|anybody there|test|testing)$/,
    () => '[nod] Yes, I am here. What would you like to know?',
  ],
  [
    /^(?:great|good|nice|cool|wow|awesome|amazing|perfect|wonderful|fine|ok|okay|alright|all right|i see|got it|interesting|yes|yeah|yep|sure|right|very good|well done|that is (?:great|good|nice|cool|amazing)|thats (?:great|good|nice|cool|amazing))$/,
    () => 'Good. What else would you like to know?',
  ],
  [/^(?:no|nope|no thanks|no thank you|nothing|nothing else)$/, () => 'All right. I am here if you need me.'],
  [/^(?:sorry|i am sorry|im sorry|excuse me|pardon)$/, () => 'No problem. What would you like to know?'],
];

const MORE =
  /^(?:(?:can you |could you )?(?:tell|say|give|show) me (?:some )?more(?: details?)?(?: about (?:that|it|this))?|more(?: details?)?(?: about (?:that|it|this))?|go on|continue|keep going|carry on|and (?:then|what else)|what else|anything else|(?:can you |could you )?elaborate|(?:can you )?explain (?:that|it|this)(?: further| more)?)$/;

/** What needs no knowledge; the whole of what was said must be that. */
export function smallTalk(said: string, self: Self): SmallTalk {
  const name = wordsOf(self.name ?? '');
  const all = wordsOf(said);
  const isFiller = (word: string | undefined): boolean =>
    word !== undefined && (FILLERS.has(word) || name.includes(word));
  const trimmed = (words: readonly string[]): readonly string[] => {
    const first = words.findIndex((word) => !isFiller(word));
    return first < 0 ? words : words.slice(first, words.findLastIndex((word) => !isFiller(word)) + 1);
  };
  const spoken = trimmed(all).join(' ');
  const ungreeted = trimmed(spoken.replace(new RegExp(`^(?:${GREETING}\\b ?)+`), '').split(' ')).join(' ');
  for (const text of [spoken, ungreeted, all.join(' ')]) {
    if (MORE.test(text)) return { kind: 'more' };
    const answer = ANSWERS.find(([pattern]) => pattern.test(text))?.[1];
    if (answer) return { kind: 'answer', text: answer(self) };
  }
  return { kind: 'question', text: said };
}
