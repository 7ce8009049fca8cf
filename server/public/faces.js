/** Whose face it is, and the choice between faces where the server has several. */

const $ = (id) => document.getElementById(id);

/** Everything on the page that names the avatar, or shows it before it is live. */
export function showFace({ avatarId, name }) {
  document.title = `${name} — vizavi`;
  for (const place of document.querySelectorAll('[data-name]')) place.textContent = name;
  $('video').ariaLabel = `${name}, an AI avatar, live`;
  document.querySelector('.stage').ariaLabel = name;
  $('talk').ariaLabel = `Talk to ${name}`;
  $('text').placeholder = $('text').ariaLabel = `What should ${name} say?`;
  const poster = document.querySelector('.poster');
  poster.hidden = false;
  // An avatar of your own may have no picture here.
  poster.onerror = () => (poster.hidden = true);
  poster.src = `/posters/${avatarId}.jpg`;
}

/**
 * Lets people choose, when there is something to choose between; `?avatar=` in the address chooses for them.
 *
 * @returns tells the chosen avatar's id; undefined leaves it to the server
 */
export async function offerFaces() {
  const wanted = new URLSearchParams(location.search).get('avatar');
  // A server with API keys does not list them here.
  const { avatars = [] } = await fetch('/v1/avatars')
    .then((response) => response.json())
    .catch(() => ({}));
  let chosen = avatars.find(({ avatarId }) => avatarId === wanted) ?? avatars[0];
  if (chosen) showFace(chosen);
  if (avatars.length > 1 && !wanted) {
    const choices = avatars.map((avatar) => {
      const choice = document.createElement('label');
      const radio = Object.assign(document.createElement('input'), { type: 'radio', name: 'face' });
      radio.checked = avatar === chosen;
      radio.addEventListener('change', () => {
        chosen = avatar;
        showFace(avatar);
      });
      const picture = Object.assign(new Image(), { src: `/posters/${avatar.avatarId}.jpg`, alt: '' });
      choice.append(radio, picture, avatar.name);
      return choice;
    });
    $('faces').replaceChildren(...choices);
    $('faces').hidden = false;
  }
  return () => wanted ?? chosen?.avatarId;
}
