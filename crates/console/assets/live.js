// What follows changes in a page (live.rs) is fetched by one request, never while somebody asks for
// something else: what they were given would be put back to what it was before.
const PARTS = "[data-part]";
const parts = () => [...document.querySelectorAll(PARTS)].map((it) => it.dataset.part);
const follow = () => document.getElementById("follow");
// Whether there was a change that was not asked for.
let late = false;

document.addEventListener("sse:changed", (event) => {
  late = document.querySelector("#main .htmx-request") !== null;
  if (late) {
    event.stopPropagation();
  } else {
    follow().setAttribute("hx-select-oob", parts().map((id) => `#${id}:morph`).join());
  }
}, true);

document.addEventListener("htmx:beforeRequest", ({ target }) => {
  if (follow() && target !== follow()) htmx.trigger(follow(), "htmx:abort");
});

document.addEventListener("htmx:sendAbort", ({ target }) => {
  late ||= target === follow();
});

document.addEventListener("htmx:afterRequest", () => {
  if (late && follow()) setTimeout(() => htmx.trigger(follow(), "sse:changed"));
});

// What the page has no more is no more to be seen.
document.addEventListener("htmx:beforeSwap", ({ target, detail }) => {
  if (target !== follow() || detail.isError) return;
  const page = new DOMParser().parseFromString(detail.serverResponse, "text/html");
  const gone = parts().filter((id) => !page.getElementById(id));
  gone.forEach((id) => document.getElementById(id).remove());
});
