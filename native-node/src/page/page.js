// Shows what is true now; without it the page shows what was true when it was opened.
const interval = 2000;

async function refresh() {
  const status = document.querySelector("[role=status]");
  try {
    const answer = await fetch("/", { cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    show(status, page.querySelector("[role=status]"));
    const rows = page.querySelector("dl");
    if (rows) document.querySelector("dl").replaceWith(rows);
    document.title = page.title;
  } catch {
    status.className = "bad";
    status.textContent = document.body.dataset.lost;
  }
}

// What has not changed is not written again: a screen reader would read it again.
function show(status, fresh) {
  if (!fresh) return;
  if (status.textContent !== fresh.textContent) status.textContent = fresh.textContent;
  status.className = fresh.className;
}

setInterval(() => {
  if (!document.hidden) refresh();
}, interval);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});
