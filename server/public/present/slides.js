/** Slides as elements: built from a deck's data, never from markup. */

/** @param {object} slide of `deck.js` @param {object} theme colours of the deck */
export function renderSlide(slide, theme = {}) {
  const root = element('article', 'slide');
  root.dataset.layout = slide.layout;
  for (const [name, colour] of Object.entries(theme)) root.style.setProperty(`--${name}`, colour);
  if (slide.image) {
    const image = Object.assign(new Image(), { src: slide.image, alt: slide.alt, decoding: 'sync' });
    // A picture that is missing leaves its words alone.
    image.onerror = () => {
      image.parentElement?.remove();
      if (slide.layout !== 'cover') root.dataset.layout = 'text';
    };
    root.append(element('figure', 'slide-picture', image));
  }
  const words = [];
  if (slide.kicker) words.push(element('p', 'slide-kicker', slide.kicker));
  if (slide.title) words.push(element('h2', '', slide.title));
  if (slide.text) words.push(element('p', 'slide-text', slide.text));
  if (slide.bullets.length > 0)
    words.push(element('ul', '', ...slide.bullets.map((item) => element('li', '', item))));
  if (slide.figures.length > 0) {
    const figures = slide.figures.map(({ value, label }) =>
      element('div', '', element('dd', '', value), element('dt', '', label)),
    );
    words.push(element('dl', '', ...figures));
  }
  if (words.length > 0) root.append(element('div', 'slide-words', ...words));
  return root;
}

/** Shows a slide in `place`; the same one again changes nothing. */
export function showSlide(place, slide, theme) {
  const key = JSON.stringify([slide, theme]);
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.replaceChildren(...(slide ? [renderSlide(slide, theme)] : []));
}

/** Pictures are there before their slide is: it turns at once. */
export function preload(deck) {
  for (const { image } of deck.slides) if (image) new Image().src = image;
}

function element(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}
