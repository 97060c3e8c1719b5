// What somebody has opened stays open when a part of the page is fetched again.
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, element) =>
  !(name === "open" && element.nodeName === "DETAILS");

// On a narrow screen the entry of the page is to be seen among those beside it.
const show = () => {
  const here = document.querySelector(".service-nav [aria-current]");
  if (!here) return;
  const all = here.closest("ul");
  all.scrollLeft = here.offsetLeft - all.offsetLeft - (all.clientWidth - here.offsetWidth) / 2;
};
show();
addEventListener("resize", show);
