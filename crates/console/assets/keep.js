// What somebody has opened stays open when a part of the page is fetched again.
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, element) =>
  !(name === "open" && element.nodeName === "DETAILS");
