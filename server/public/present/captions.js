/** Shows what is being said in `element`, the words to come dimmer than those that were heard. */
export function showCaption(session, element) {
  const said = document.createElement('span');
  const toCome = document.createElement('span');
  toCome.className = 'to-come';
  session.on('captions.changed', ({ caption }) => {
    if (!caption) return element.replaceChildren();
    said.textContent = caption.text.slice(0, caption.saidLength);
    toCome.textContent = caption.text.slice(caption.saidLength);
    element.replaceChildren(said, toCome);
  });
  session.on('session.stopped', () => element.replaceChildren());
}
