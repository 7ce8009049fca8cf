/* A page whose modules did not come is loaded anew; its own code would be among what is missing. */
setTimeout(() => {
  if (!document.body.hasAttribute('data-alive')) location.reload();
}, 20000);
