/** Words that say nothing about what is asked. */
const STOP_WORDS = new Set(
  (
    'a an the this that these those there here it its he she they them his her their i me my we us our you your yours ' +
    'am is are was were be been being do does did doing done have has had having will would shall should can could may ' +
    'might must what which who whom whose when where why how and or but if then than so as of at by for with about into ' +
    'to from in on off out up down over under not no nor only just also too very much many more most some any all each ' +
    'every both few such same please tell know want need like let give show explain say said get got make made ' +
    'really actually maybe okay ok oh well hey hi hello yes yeah no sir thing things something anything everything ' +
    'kind sort lot way bit now today time ever never again still even s t d ll re ve m im don doesn didn isn aren wasn ' +
    'weren hasn haven cant wont dont doesnt didnt isnt arent whats hows wheres whos thats one ones use used using'
  ).split(' '),
);

const WORD = /[\p{L}\p{N}]+/gu;
/** A word of more characters than this is none. */
const WORD_LENGTH = 40;

/** The words of a text as they are compared: lower case, without accents. */
export function wordsOf(text: string): string[] {
  const plain = text.normalize('NFKD').replace(/\p{M}/gu, '').replace(/['’]/g, '').toLowerCase();
  return (plain.match(WORD) ?? []).filter((word) => word.length <= WORD_LENGTH);
}

/** What a word is about; null when it says nothing. `costs`, `costing` and `cost` are one. */
export function termOf(word: string): string | null {
  if (STOP_WORDS.has(word) || /^[a-z]$/.test(word)) return null;
  return stem(word);
}

/** The terms of a text, in order, each as often as it comes. */
export function termsOf(text: string): string[] {
  return wordsOf(text).flatMap((word) => termOf(word) ?? []);
}

/** English endings off, so that forms of a word meet; what is left need not be a word. */
function stem(word: string): string {
  if (word.length < 4 || /\d/.test(word)) return word;
  let root = word
    .replace(/(?:sses)$/, 'ss')
    .replace(/ies$/, 'y')
    .replace(/(?<!^new|[su])s$/, '');
  const short = root.replace(/(?:ing|ed)$/, '');
  if (short !== root && /[aeiouy]/.test(short) && short.length >= 3) {
    root = /([^aeioulsz])\1$/.test(short) ? short.slice(0, -1) : short;
  }
  return root.length > 4
    ? root.replace(/ly$/, '').replace(/e$/, '').replace(/y$/, 'i')
    : root.replace(/e$/, '');
}
