import { Button } from "@mantine/core";
import { Command } from "@openagents/ui/react";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useEffect } from "react";
import { Brand } from "../shell/brand.tsx";
import { session } from "../session/session.ts";
import { useSession } from "../session/use-session.ts";

// What asks the services comes after the first paint.
const LandingFigures = lazy(async () => ({
  default: (await import("./landing-figures.tsx")).LandingFigures,
}));

/** What it is, to somebody who has never heard of it. */
export function Landing() {
  const signedIn = useSession().kind === "signed_in";
  useEffect(() => {
    document.title = "OpenAgents: verified pull requests, within a budget";
    // Whoever comes back is offered the console and not the sign-in.
    void session.restore().catch(() => undefined);
  }, []);
  return (
    <div className="front">
      <header className="front-head">
        <Brand to="/" />
        <nav aria-label="Site">
          <Link to="/stats">Stats</Link>
          <a href="/openapi.json">API</a>
          <Button component={Link} to={signedIn ? "/home" : "/sign-in"} size="sm" variant="default">
            {signedIn ? "Open the console" : "Sign in"}
          </Button>
        </nav>
      </header>
      <main>
        <div className="hero">
          <h1>An issue in. A pull request that is proven right, out.</h1>
          <p>
            Autopilot turns repository issues into verified patches, within a budget. The check must fail
            without the patch and pass with it, somebody else runs it again, and nobody is paid before that.
            Every step leaves a signed receipt that you can check without trusting us.
          </p>
          <div className="row">
            <Button component={Link} to={signedIn ? "/home" : "/sign-in"} size="md">
              {signedIn ? "Open the console" : "Sign in"}
            </Button>
            <Button component="a" href="/download-desktop" size="md" variant="default">
              Download the desktop app
            </Button>
          </div>
        </div>
        <ol className="proof-line">
          <li>
            <strong>Work</strong>A coding agent reads the issue and makes a patch. Its words, tools and files
            are logged as they come.
          </li>
          <li>
            <strong>Buy</strong>Providers quote for running the check in a sandbox. The price is set aside,
            not paid.
          </li>
          <li>
            <strong>Verify</strong>The check runs on the base and on the patch, then again by another owner. A
            check that cannot fail proves nothing.
          </li>
          <li>
            <strong>Settle</strong>Money is released by the verdict alone. The payment receipt contains the
            verification receipt.
          </li>
        </ol>
        <section aria-labelledby="figures">
          <h2 id="figures">What it has done here</h2>
          <Suspense fallback={<div className="figures figures-to-come" />}>
            <LandingFigures />
          </Suspense>
        </section>
        <section aria-labelledby="try">
          <h2 id="try">See all of it in half a minute</h2>
          <p>
            The demo takes a broken repository and its issue to a verified patch, on your own computer, with
            demo credit and no account.
          </p>
          <Command>./openagents demo</Command>
        </section>
        <section aria-labelledby="believe">
          <h2 id="believe">Why believe it</h2>
          <p>
            Receipts are canonical JSON, signed, and entered in a public append-only log. This page&rsquo;s
            code computes their hashes, signatures and proofs in your browser, and the command line does the
            same with a bundle on your disk, without a network.
          </p>
          <Command>./openagents verify BUNDLE</Command>
        </section>
      </main>
      <footer>
        <span>OpenAgents</span>
        <Link to="/stats">Public statistics</Link>
        <a href="/openapi.json">OpenAPI</a>
        <a href="/log/checkpoint">Log checkpoint</a>
      </footer>
    </div>
  );
}
