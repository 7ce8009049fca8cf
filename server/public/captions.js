/** Shows in `element` what is being said; what is still to come of it is dimmed. */
export function showCaptions(session, element) {
  const said = document.createElement('span');
  const coming = Object.assign(document.createElement('span'), { className: 'coming' });
  session.on('captions.changed', ({ caption }) => {
    if (!caption) {
      element.replaceChildren();
      return;
    }
    said.textContent = caption.text.slice(0, caption.saidLength);
    coming.textContent = caption.text.slice(caption.saidLength);
    element.replaceChildren(said, coming);
  });
}

/** Shows in `list` who said what. */
export function showTranscript(session, list, onChange) {
  session.on('transcript.changed', ({ transcript }) => {
    list.replaceChildren(
      ...transcript.slice(-30).map(({ role, text, interrupted }) => {
        const line = Object.assign(document.createElement('li'), { className: role });
        line.textContent = interrupted ? `${text} —` : text;
        return line;
      }),
    );
    list.scrollTop = list.scrollHeight;
    onChange(transcript.length);
  });
}
