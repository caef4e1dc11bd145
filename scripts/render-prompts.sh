#!/usr/bin/env bash
# Speaks the prompts of the examples: scripts/examples/prompts/LANGUAGE.txt has a line for each, and LANGUAGE/NAME.wav is made of it
# by espeak-ng. Files that are newer than their list stay as they are.
set -euo pipefail
cd "$(dirname "$0")/examples/prompts"
if ! command -v espeak-ng >/dev/null; then
	cat >&2 <<-MESSAGE

		*********************************************************************
		  espeak-ng is not installed: the prompts are not spoken, and the
		  examples play tones in their place. To have them:

		      apt-get update && apt-get install --no-install-recommends espeak-ng
		      make prompts
		*********************************************************************

	MESSAGE
	exit 0
fi
declare -A voice=([en]=en-us [zh]=cmn)
for list in *.txt; do
	language=${list%.txt}
	mkdir -p "$language"
	while IFS=$'\t' read -r name text; do
		file=$language/$name.wav
		case $name in '#'*) continue ;; esac
		[ "$file" -nt "$list" ] || espeak-ng -v "${voice[$language]}" -s 150 -w "$file.part" -- "$text"
		[ ! -e "$file.part" ] || mv "$file.part" "$file"
	done <"$list"
done
echo "prompts: $(find . -name '*.wav' | wc -l) files in scripts/examples/prompts"
