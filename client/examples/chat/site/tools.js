/** What the avatar may do on this page. The event comes from the bubble, or from a <vizavi-avatar>, wherever it is. */
document.addEventListener('vizavi:tool', (event) => {
  const { name, arguments: wanted, respondWith } = event.detail;
  if (name !== 'show_section') return;
  const section = document.getElementById(wanted.section);
  section?.scrollIntoView({ behavior: 'smooth' });
  respondWith(section ? 'It is shown.' : 'There is no such section.');
});
