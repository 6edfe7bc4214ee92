# Completion of mo's programs in bash: options as --help has them, the words that some of them take, else files.
_mo() {
	local program=$1 word=$2 before=$3 words
	case $before in
	--precision) words='fp32 fp16' ;;
	--infer-precision) words='f32 bf16' ;;
	--hint) words='latency throughput' ;;
	--cpu) words='ref avx2 avx512 vnni bf16' ;;
	--preset) words='performance mixed' ;;
	--disable-pass | --dump-after) words=$("$program" --list-passes 2>/dev/null | awk '{ print $1 }') ;;
	*) [[ $word == -* ]] || return 0
		words=$("$program" --help 2>/dev/null | grep -o -e '--[a-z0-9-]*') ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _mo mo mo-run mo-bench mo-info mo-calibrate mo-compile
