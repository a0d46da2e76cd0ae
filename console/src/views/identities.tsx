// SPDX-License-Identifier: Apache-2.0
import { api } from "../api";
import { Link } from "../components/link";
import { Page } from "../components/page";
import { useResource } from "../hooks/resource";
import { useQuery } from "../hooks/router";
import { plural } from "../logic/format";
import { selectIdentities } from "../logic/devices";
import { Field } from "../ui/field";
import { Empty, Failure, Loading } from "../ui/notice";
import { Table } from "../ui/table";

export function IdentitiesView() {
  const { data: identities, error, reload } = useResource((signal) => api.identities(signal), 15);
  const [query, setQuery] = useQuery();
  const text = query.get("q") ?? "";
  const chosen = selectIdentities(identities ?? [], text);
  return (
    <Page title="Identities" about={identities && plural(chosen.length, "identity", "identities")}>
      <p class="hint">Devices that the policy cannot tell apart share an identity: a number for a set of selectors. Hubs judge by it, never by an address.</p>
      <search class="filters">
        <Field label="Search" hideLabel type="search" class="grow" placeholder="Search: user, tag, device, number" value={text} onInput={(q) => setQuery(new URLSearchParams(q ? { q } : {}))} />
      </search>
      {error && <Failure error={error} retry={reload} />}
      {!identities ? (
        !error && <Loading what="identities" />
      ) : chosen.length === 0 ? (
        <Empty title={identities.length ? "No identity matches" : "No identities yet"}>{identities.length ? "Widen the search." : "The first device brings the first one."}</Empty>
      ) : (
        <Table label="Identities" heads={["Identity", "State", "Selectors", { text: "Devices", number: true }]}>
          {chosen.map(({ identity, state, selectors, devices }) => (
            <tr key={identity}>
              <th scope="row">{identity}</th>
              <td>{state}</td>
              <td>
                {selectors.map((selector) => (
                  <span key={selector} class="tag">
                    {selector}
                  </span>
                ))}
              </td>
              <td class="number">{devices ? <Link to={`/devices?q=identity:${identity}`}>{devices}</Link> : 0}</td>
            </tr>
          ))}
        </Table>
      )}
    </Page>
  );
}
