"""The file people write: `tidegate.yaml`, from its text to values that the rest of Tidegate goes by.

    text --document--> value with line numbers --keys--> Tidegate (checked) --file.resolve--> settings.Settings

- `file`: the door: `load(text, name)`, `resolve(model)`, `explain(settings)`, `template(...)`, `json_schema()`
- `document`: YAML to plain values, remembering on which line each one stands; refuses duplicate keys
- `units`: durations, shares and sizes, read and written as people do ("2h", "0.5%", "4MiB")
- `rules`: the small language of comparisons ("errors <= stable + 0.1%"), its own parser, no eval
- `guards`, `conditions`: rules about answers ("0 <= probability <= 1") and conditions on inputs ("distance > 1000"), likewise
- `keys`: every key with its meaning and default, as pydantic models; the JSON Schema for editors comes from them. Those under
  `release:` are in `ways`, those on what lies outside the bundle in `surroundings`; `values` reads what stands behind the colon
- `together`: what is right only together with other keys, each check with the key whose line is named
- `schedule`, `judging`, `protection`: from keys to stages, policy and limits
- `logged`, `watched`: the blocks `log` and `monitors`
- `belonging`: whose a setting is: its endpoint's, or the version's with which it came
- `bounds`: what each number and word of settings may be, whoever wrote them
- `explained`: settings as the file would say them
- `faults`: what pydantic says, turned into one line with file, line, what is wrong and the cure
- `settings`: the resolved form, plain and frozen, that is stored with an endpoint and frozen into a release
- `starter`, `reference`: the commented file that `tidegate init` writes, and the table of keys in docs/file.md

Called by the command line (plan, init, release), the API and tests. The minimum file is two lines, `endpoint:` and `model:`;
everything else has a stated default. A key or rule that is not known is an error with its line: nothing is passed over in
silence, because a misspelt safety setting that is ignored is worse than none.

Deliberately not here: reading files (the caller has the text and its name), looking at registries or models (delivery),
and anything that machines write: versions, digests, evidence and state are never in this file.
"""
