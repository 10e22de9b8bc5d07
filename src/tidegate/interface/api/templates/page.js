"use strict";
(() => {
  const main = document.getElementById("main");
  const live = document.getElementById("live");
  const say = (kind, words) => { live.className = "quiet " + kind; live.textContent = words; };
  const place = (part) => {
    const old = document.getElementById(part.id);
    if (!part.html) { if (old) old.remove(); return; }
    const made = document.createElement("template");
    made.innerHTML = part.html;
    const fresh = made.content.firstElementChild;
    if (old) {
      for (const was of old.querySelectorAll("details[data-key]")) {
        const now = fresh.querySelector("details[data-key]");
        if (now) now.open = was.open;
      }
      const scrolled = old.querySelector(".picture");
      old.replaceWith(fresh);
      const drawn = fresh.querySelector(".picture");
      if (scrolled && drawn) drawn.scrollLeft = scrolled.scrollLeft;
    } else {
      const before = part.after && document.getElementById(part.after);
      if (before) before.after(fresh); else main.prepend(fresh);
    }
  };
  const stream = new EventSource("/page/stream?seen=" + encodeURIComponent(main.dataset.seen));
  stream.addEventListener("open", () => say("on", "live"));
  stream.addEventListener("parts", (event) => { for (const part of JSON.parse(event.data)) place(part); });
  stream.addEventListener("over", (event) => { stream.close(); say("off", event.data); });
  stream.addEventListener("error", () => {
    say("off", stream.readyState === EventSource.CLOSED ? "not live: reload for newer" : "not live; trying again");
  });
  addEventListener("pagehide", () => stream.close());
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
})();
