// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { sentence } from "../api";
import { setPassword } from "../hooks/session";
import { say } from "../hooks/toast";
import type { Session } from "../types";
import { Dialog, FormActions } from "../ui/dialog";
import { Field } from "../ui/field";

export const PASSWORD_LENGTH = 12;

export function passwordProblem(password: string, again: string): string | null {
  const length = [...password].length;
  if (length < PASSWORD_LENGTH) return `Use at least ${PASSWORD_LENGTH} characters; this has ${length}.`;
  if (password !== again) return "The two do not match.";
  return null;
}

export function PasswordDialog({ session, onClose }: { session: Session; onClose: () => void }) {
  const [current, setCurrent] = useState("");
  const [password, setNext] = useState("");
  const [again, setAgain] = useState("");
  const [error, setError] = useState<string | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    const problem = passwordProblem(password, again);
    setError(problem);
    if (problem) return;
    try {
      await setPassword(password, session.has_password ? current : undefined);
      say("done", "Your password is set. Other sessions of this account have ended.");
      onClose();
    } catch (failure) {
      setError(sentence(failure));
    }
  };
  return (
    <Dialog title={session.has_password ? "Change your password" : "Set a password"} onClose={onClose}>
      <form onSubmit={submit}>
        {session.has_password && (
          <Field label="Current password" type="password" value={current} onInput={setCurrent} autocomplete="current-password" autofocus />
        )}
        <Field label="New password" type="password" value={password} onInput={setNext} autocomplete="new-password" hint={`At least ${PASSWORD_LENGTH} characters; a few words are easiest to remember.`} />
        <Field label="New password again" type="password" value={again} onInput={setAgain} autocomplete="new-password" error={error} />
        <FormActions action="Set password" onCancel={onClose} />
      </form>
    </Dialog>
  );
}
