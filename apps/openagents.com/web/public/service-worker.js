// Keeps the console's own files, so that it opens at once and without a network.
// Answers of the services are never kept: what is on the screen about money and
// rights comes from them each time.

const CACHE = "console-v2";

self.addEventListener("install", (event) => {
  const keep = async () => {
    await keepPage();
    await self.skipWaiting();
  };
  event.waitUntil(keep());
});

/** The page and what it is begun with, so that it opens without a network from the first visit on. */
async function keepPage() {
  const cache = await caches.open(CACHE);
  const page = await fetch("/", { headers: { accept: "text/html" } });
  if (!page.ok) throw new Error(`the page answers ${page.status}`);
  const named = (await page.clone().text()).matchAll(/(?:src|href)="(\/(?:assets\/[^"]+|icon\.svg))"/g);
  await cache.addAll([...named].map(([, path]) => path));
  await cache.put("/", page);
}

self.addEventListener("activate", (event) => {
  const drop = async () => {
    for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(drop());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  // Named by their content, and so never out of date; and the mark, which stands on every page.
  if (pathname.startsWith("/assets/") || pathname === "/icon.svg") event.respondWith(cacheFirst(request));
  else if (request.mode === "navigate" && !pathname.startsWith("/api/")) event.respondWith(pageOf(request));
});

async function cacheFirst(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request);
  if (kept !== undefined) return kept;
  const answer = await fetch(request);
  if (answer.ok) await cache.put(request, answer.clone());
  return answer;
}

/** The page is one and the same for every address of the console; without a network, the last one seen. */
async function pageOf(request) {
  const cache = await caches.open(CACHE);
  try {
    const answer = await fetch(request);
    const isPage = answer.headers.get("content-type")?.startsWith("text/html") === true;
    const isOther = /^\/(dev|sign-in)\//.test(new URL(answer.url).pathname);
    if (answer.ok && isPage && !isOther && !answer.redirected) await cache.put("/", answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match("/");
    if (kept !== undefined) return kept;
    throw error;
  }
}
