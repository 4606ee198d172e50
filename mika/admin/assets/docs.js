// Filters the contents as one types. The page is whole without it.
"use strict";

const filter = document.getElementById("filter");
const items = [...document.querySelectorAll("nav li")];

filter.hidden = false;
filter.addEventListener("input", () => {
  const words = filter.value.toLowerCase().split(/\s+/);
  for (const item of items) item.hidden = !words.every((word) => item.dataset.words.includes(word));
  for (const list of document.querySelectorAll("nav ul")) {
    const empty = [...list.children].every((item) => item.hidden);
    list.hidden = empty;
    list.previousElementSibling.hidden = empty;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== filter) {
    event.preventDefault();
    filter.focus();
  }
});
