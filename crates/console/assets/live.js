// What follows changes in a page (live.rs) is fetched by one request, never while somebody asks for
// something else: what they were given would be put back to what it was before.
const parts = () => [...document.querySelectorAll("[data-part]")].map((it) => it.dataset.part);
const isFollow = (element) => element.id === "follow";
// Whether there was a change that is not shown yet.
let late = false;
// Whether somebody asked for something else since the page was asked for.
let stale = false;

document.addEventListener("sse:changed", (event) => {
  late = document.querySelector("#main .htmx-request") !== null;
  if (late) {
    event.stopPropagation();
    return;
  }
  stale = false;
  event.target.setAttribute("hx-select-oob", parts().map((id) => `#${id}:morph`).join());
}, true);

document.addEventListener("htmx:beforeRequest", ({ target }) => {
  stale ||= !isFollow(target) && target.closest("#main") !== null;
});

document.addEventListener("htmx:beforeSwap", ({ target, detail }) => {
  if (!isFollow(target) || detail.isError) return;
  if (stale) {
    late = true;
    detail.shouldSwap = false;
    return;
  }
  // What the page has no more is no more to be seen.
  const page = new DOMParser().parseFromString(detail.serverResponse, "text/html");
  const gone = parts().filter((id) => !page.getElementById(id));
  gone.forEach((id) => document.getElementById(id).remove());
});

document.addEventListener("htmx:afterRequest", () => {
  const follow = document.getElementById("follow");
  if (late && follow) setTimeout(() => htmx.trigger(follow, "sse:changed"));
});
