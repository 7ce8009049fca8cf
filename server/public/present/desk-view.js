/** What the desk shows: slides, script, questions, and who has the stage. */
import { renderSlide, showSlide } from '/present/slides.js';

const $ = (id) => document.getElementById(id);
const NO_LINES = { title: '', slides: [], script: [], theme: {}, address: null };

/** Slides: the present one, the next one, and where in the deck that is. */
export function showSlides(deck, page) {
  const { slides, theme } = deck ?? NO_LINES;
  const now = slides[page.slide - 1] ?? page.inline;
  showSlide($('current'), now, deck ? theme : page.theme);
  showSlide($('next'), slides[page.slide], theme);
  $('slide-number').textContent = page.slide;
  $('slide-count').textContent = Math.max(page.slide, slides.length);
  for (const [index, thumbnail] of [...$('strip').children].entries()) {
    const isNow = index === page.slide - 1;
    if (isNow === thumbnail.hasAttribute('aria-current')) continue;
    thumbnail.toggleAttribute('aria-current', isNow);
    if (isNow) thumbnail.scrollIntoView({ block: 'nearest', inline: 'nearest', behavior: 'smooth' });
  }
  $('back').disabled = page.slide <= 1;
  $('forward').disabled = page.slide >= slides.length;
  $('deck-title').textContent = deck?.title ?? page.title;
  $('deck-note').textContent =
    deck && !deck.address && slides.some(({ image, shared }) => image && !shared)
      ? 'Pictures of a dropped deck are seen here only. Put it on a server for the audience to see them.'
      : '';
}

/** Makes the strip of all slides; `onTurn` is told the number of the one that was clicked. */
export function listSlides(deck, onTurn) {
  const { slides, theme } = deck ?? NO_LINES;
  const thumbnails = slides.map((slide, index) => {
    const button = Object.assign(element('button'), { type: 'button', title: slide.title });
    button.ariaLabel = `Slide ${index + 1}: ${slide.title}`;
    const screen = element('div', 'screen', renderSlide(slide, theme));
    screen.inert = true;
    button.append(screen);
    button.addEventListener('click', () => onTurn(index + 1));
    return button;
  });
  $('strip').replaceChildren(...thumbnails);
}

/** Makes the list of lines; `onSay` is told the number of the one that was clicked. */
export function listLines(deck, onSay) {
  const { script } = deck ?? NO_LINES;
  const rows = script.map(({ say, slide, emotion, gesture, pauseMs }, index) => {
    const row = element('li');
    const button = Object.assign(element('button', 'line'), { type: 'button' });
    const tags = [
      slide && `Slide ${slide}`,
      emotion !== 'neutral' && emotion,
      gesture,
      pauseMs > 0 && `${(pauseMs / 1000).toFixed(1)} s pause`,
    ].filter(Boolean);
    button.append(element('span', 'line-say', say));
    if (tags.length > 0) button.append(element('span', 'line-tags', tags.join(' · ')));
    button.addEventListener('click', () => onSay(index + 1));
    row.append(button);
    return row;
  });
  if (rows.length === 0) rows.push(element('li', 'empty', 'This deck has no script. Use your own words.'));
  $('lines').replaceChildren(...rows);
}

/** Which lines were said, which is, and which is next. */
export function showRun(deck, run, page) {
  const { script } = deck ?? NO_LINES;
  const { current, waiting, phase, nextLine } = run;
  const rows = [...$('lines').querySelectorAll('li')];
  let toShow = null;
  rows.forEach((row, index) => {
    const number = index + 1;
    const state =
      number === current
        ? phase
        : waiting.includes(number)
          ? 'waiting'
          : number === nextLine
            ? 'next'
            : number < page.line
              ? 'said'
              : '';
    if (row.dataset.state === state) return;
    row.dataset.state = state;
    if (state === 'next') toShow = row;
  });
  toShow?.scrollIntoView({ block: 'nearest', behavior: document.hidden ? 'auto' : 'smooth' });
  $('progress').textContent =
    script.length > 0 ? `${Math.min(page.line - 1, script.length)} of ${script.length}` : '';
  $('auto').ariaPressed = String(run.isAuto);
  $('say-next').disabled = nextLine === null || run.isFull || page.handover !== null;
  $('say-next-label').textContent =
    script.length === 0
      ? 'No script'
      : nextLine === null
        ? 'That was the last line'
        : phase === 'idle'
          ? 'Say next line'
          : 'Then the next line';
}

/** Who has the stage. */
export function showHandover(handover) {
  const { isOn, isMine } = handover;
  document.body.toggleAttribute('data-handed-over', isOn);
  $('handover').ariaChecked = String(isOn);
  $('handover-title').textContent = isOn ? 'The avatar answers' : 'You present';
  $('handover-text').textContent = isOn
    ? isMine
      ? 'Take back: it falls silent at once'
      : 'Another desk handed over. Take back: it falls silent'
    : 'Hand over: the avatar answers questions';
}

/** @param {{ answer: Function, dismiss: Function, quote: Function }} actions each told the question */
export function listQuestions(questions, actions) {
  const shown = questions.items.filter(({ state }) => state !== 'dismissed');
  $('no-questions').hidden = shown.length > 0;
  $('question-count').hidden = questions.open.length === 0;
  $('question-count').textContent = questions.open.length;
  const list = $('questions');
  const known = new Map([...list.children].map((row) => [row.dataset.id, row]));
  // Newest first; a row that has not changed keeps its place under the pointer.
  const rows = shown.toReversed().map((question) => {
    const key = JSON.stringify([question.state, question.answer]);
    const before = known.get(question.id);
    return before?.dataset.key === key ? before : questionRow(question, key, actions);
  });
  if (rows.some((row, index) => list.children[index] !== row) || rows.length !== list.children.length)
    list.replaceChildren(...rows);
}

function questionRow(question, key, actions) {
  const { id, text, from, state, answer } = question;
  const row = element('li', 'question', element('p', 'question-text', text));
  Object.assign(row.dataset, { id, key, state, from });
  if (state === 'answering' && !answer) row.append(element('p', 'question-answer', '…'));
  if (answer) row.append(element('p', 'question-answer', answer));
  if (state === 'open') {
    const buttons = Object.entries({ answer: 'Answer', quote: 'Quote', dismiss: 'Dismiss' }).map(
      ([name, label]) => {
        const button = Object.assign(element('button', name, label), { type: 'button' });
        button.addEventListener('click', () => actions[name](question));
        return button;
      },
    );
    row.append(element('div', 'question-buttons', ...buttons));
  }
  return row;
}

function element(tag, className = '', ...children) {
  const node = Object.assign(document.createElement(tag), { className });
  node.append(...children);
  return node;
}
