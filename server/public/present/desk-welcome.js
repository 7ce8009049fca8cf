/** Before the session: which deck. */
import { deckFromFiles, deckFromSource, loadDeck } from '/present/deck.js';

const $ = (id) => document.getElementById(id);

/** The deck of the address, or the dropped one of before; null when there is none. @throws Error in words for a person */
export async function firstDeck(known) {
  const address = new URLSearchParams(location.search).get('deck');
  if (address) return loadDeck(address);
  return known?.source ? deckFromSource(known.source) : null;
}

/** @param onDeck told of a deck that was dropped or picked @param onFault told why that one is none */
export function acceptDecks(onDeck, onFault) {
  const take = (files) => deckFromFiles(files).then(onDeck, onFault);
  $('pick').addEventListener('click', () => $('file').click());
  $('file').addEventListener('change', () => {
    const files = [...$('file').files].map((file) => ({ path: file.name, file }));
    $('file').value = '';
    if (files.length > 0) void take(files);
  });
  for (const type of ['dragenter', 'dragover'])
    document.addEventListener(type, (event) => {
      event.preventDefault();
      document.body.toggleAttribute('data-dragging', true);
    });
  for (const type of ['dragleave', 'drop'])
    document.addEventListener(type, ({ relatedTarget }) => {
      if (type === 'drop' || relatedTarget === null) document.body.toggleAttribute('data-dragging', false);
    });
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    const entries = [...event.dataTransfer.items].flatMap((item) => item.webkitGetAsEntry?.() ?? []);
    void Promise.all(entries.map((entry) => filesOf(entry))).then((files) => take(files.flat()), onFault);
  });
}

/** All files under what was dropped, with their paths. */
async function filesOf(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ path: entry.fullPath.slice(1), file }];
  }
  const reader = entry.createReader();
  const entries = [];
  // A reader answers a hundred at a time, and nothing at the end.
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    entries.push(...some);
  }
  return (await Promise.all(entries.map(filesOf))).flat();
}

export function showWelcome(deck) {
  if (deck) {
    $('welcome-title').textContent = deck.title;
    const lines = deck.script.length === 1 ? '1 line' : `${deck.script.length} lines`;
    $('welcome-text').textContent =
      `${deck.slides.length} slides, ${lines}. Nobody sees anything until you invite them.`;
  }
  $('welcome').toggleAttribute('data-chosen', deck !== null);
  $('start').hidden = deck === null;
  $('welcome-fault').textContent = '';
}
