/** Whose face it is, and the choice between faces where the server has several. */

const $ = (id) => document.getElementById(id);

/** `?avatar=` in the address chooses; undefined leaves it to the server. */
let chosenId = new URLSearchParams(location.search).get('avatar') ?? undefined;

/** Whom a new session is to show. */
export const chosenFace = () => chosenId;

/** Everything on the page that names the avatar, or shows it before it is live. */
export function showFace({ avatarId, name }) {
  chosenId = avatarId;
  document.title = `${name} — vizavi`;
  for (const place of document.querySelectorAll('[data-name]')) place.textContent = name;
  $('video').ariaLabel = `${name}, an AI avatar, live`;
  document.querySelector('.stage').ariaLabel = name;
  $('talk').ariaLabel = `Talk to ${name}`;
  document.body.dataset.avatar = name;
  document.dispatchEvent(new Event('face'));
  const poster = document.querySelector('.poster');
  poster.hidden = false;
  // An avatar of your own may have no picture here.
  poster.onerror = () => (poster.hidden = true);
  poster.src = `/posters/${avatarId}.jpg`;
}

/** Lets people choose, when there is something to choose between and the address has not chosen one that is there. */
export async function offerFaces() {
  // A server with API keys does not list them here.
  const { avatars = [] } = await fetch('/v1/avatars')
    .then((response) => response.json())
    .catch(() => ({}));
  const wanted = avatars.find(({ avatarId }) => avatarId === chosenId);
  if (avatars.length === 0) return;
  showFace(wanted ?? avatars[0]);
  if (wanted || avatars.length === 1) return;
  const choices = avatars.map((avatar) => {
    const choice = document.createElement('label');
    const radio = Object.assign(document.createElement('input'), { type: 'radio', name: 'face' });
    radio.checked = avatar === avatars[0];
    radio.addEventListener('change', () => showFace(avatar));
    const picture = Object.assign(new Image(), { src: `/posters/${avatar.avatarId}.jpg`, alt: '' });
    choice.append(radio, picture, avatar.name);
    return choice;
  });
  $('faces').replaceChildren(...choices);
  $('faces').hidden = false;
}
