// SPDX-License-Identifier: Apache-2.0
/*
 * Signing in: by a one-time link (/login#LINK, whose fragment no server ever sees) or by account and password. Somebody
 * without a password is offered to set one at once.
 */
import { useEffect, useState } from "preact/hooks";
import { sentence } from "../api";
import { PASSWORD_LENGTH, passwordProblem } from "../components/password";
import { Brand, ThemeButton } from "../components/shell";
import { isOwnPlace, navigate } from "../hooks/router";
import { logIn, sessionProblem, setPassword, useSession } from "../hooks/session";
import { useStore } from "../hooks/store";
import { Button } from "../ui/button";
import { Field } from "../ui/field";
import { Notice } from "../ui/notice";

function goOn(): void {
  const from = new URLSearchParams(location.search).get("from") ?? "/";
  navigate(isOwnPlace(from) && !from.startsWith("/login") ? from : "/", true);
}

/** Takes the one-time link out of the address bar and the history. */
function takeLink(): string {
  const link = location.hash.slice(1);
  if (link) history.replaceState(null, "", location.pathname + location.search);
  return link;
}

function PasswordForm() {
  const [account, setAccount] = useState("");
  const [password, setValue] = useState("");
  const [error, setError] = useState<string | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    setError(null);
    try {
      await logIn({ account: account.trim(), password });
      goOn();
    } catch (failure) {
      setValue("");
      setError(sentence(failure));
    }
  };
  return (
    <form onSubmit={submit}>
      <Field label="Account" value={account} onInput={setAccount} autocomplete="username" required autofocus />
      <Field label="Password" type="password" value={password} onInput={setValue} autocomplete="current-password" required error={error} />
      <Button type="submit" kind="primary">
        Sign in
      </Button>
      <p class="hint">
        No password yet? <code>sudo rnaut console</code> on the gateway prints a one-time link.
      </p>
    </form>
  );
}

function FirstPassword({ account }: { account: string }) {
  const [password, setValue] = useState("");
  const [again, setAgain] = useState("");
  const [error, setError] = useState<string | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    const problem = passwordProblem(password, again);
    setError(problem);
    if (problem) return;
    try {
      await setPassword(password);
      goOn();
    } catch (failure) {
      setError(sentence(failure));
    }
  };
  return (
    <form onSubmit={submit}>
      <h2>Welcome, {account}</h2>
      <p>You are signed in. Set a password to come back without a new link.</p>
      <input type="text" class="unseen" name="username" autocomplete="username" value={account} readOnly tabIndex={-1} aria-hidden="true" />
      <Field label="New password" type="password" value={password} onInput={setValue} autocomplete="new-password" hint={`At least ${PASSWORD_LENGTH} characters; a few words are easiest to remember.`} autofocus />
      <Field label="New password again" type="password" value={again} onInput={setAgain} autocomplete="new-password" error={error} />
      <div class="login-actions">
        <Button type="submit" kind="primary">
          Set password
        </Button>
        <Button kind="quiet" onClick={goOn}>
          Later
        </Button>
      </div>
    </form>
  );
}

/** The link is used by a press of a button, not by opening the page: link previews must not use it up. */
function LinkForm({ link, onDone }: { link: string; onDone: (error: string | null) => void }) {
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await logIn({ link });
      onDone(null);
    } catch (failure) {
      onDone(sentence(failure));
    }
  };
  return (
    <form onSubmit={submit}>
      <p>You opened a one-time sign-in link. It works once, in this browser.</p>
      <Button type="submit" kind="primary" autofocus>
        Sign in with the link
      </Button>
    </form>
  );
}

export function LoginView() {
  const session = useSession();
  const problem = useStore(sessionProblem);
  const [link, setLink] = useState(takeLink);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    // A link that is pasted into this very tab changes the fragment only.
    const take = () => setLink((now) => takeLink() || now);
    window.addEventListener("hashchange", take);
    return () => window.removeEventListener("hashchange", take);
  }, []);
  const first = session && !session.has_password && !link;
  useEffect(() => {
    if (session?.has_password && !link) goOn();
  }, [session, link]);
  return (
    <main class="login">
      <div class="login-card">
        <div class="login-head">
          <Brand />
          <ThemeButton />
        </div>
        <h1>{first ? "One more thing" : "Sign in"}</h1>
        {problem && !error && <Notice kind="warn">{problem}</Notice>}
        {error && <Notice kind="bad">{error}</Notice>}
        {session === undefined ? (
          <p role="status">Starting…</p>
        ) : first ? (
          <FirstPassword account={session.account} />
        ) : link ? (
          <LinkForm
            link={link}
            onDone={(text) => {
              setLink("");
              setError(text);
            }}
          />
        ) : (
          <PasswordForm />
        )}
      </div>
    </main>
  );
}
