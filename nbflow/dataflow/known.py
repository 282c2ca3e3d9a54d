"""What is known beforehand about names of Python, its library, IPython and pandas.

This module decides which calls are trusted not to change their arguments, which surely change
their receiver, and which magics do what. Only tables: it must not know how they are applied.
"""

from __future__ import annotations

import builtins


def _words(*texts: str) -> frozenset[str]:
    return frozenset(" ".join(texts).split())


#: Names that exist in every notebook without being defined.
BUILTINS = frozenset(dir(builtins)) | _words(
    "__name__ __doc__ __file__ __builtins__ __builtin__ __spec__ __loader__ __package__",
    "__annotations__ __debug__ __class__ __module__ __qualname__ __path__ __dict__",
    "get_ipython display exit quit open aiter anext ExceptionGroup BaseExceptionGroup",
    "EncodingWarning PythonFinalizationError",
)

#: IPython's history: what these hold depends on which cell ran before.
HISTORY = _words("_ __ ___ _i _ii _iii _oh _ih _dh In Out")

#: Builtins that neither change nor keep their arguments.
PURE_BUILTINS = _words(
    "abs all any ascii bin bool bytes callable chr complex display divmod float format frozenset",
    "getattr hasattr hash help hex id int isinstance issubclass len max min oct ord pow print",
    "range repr round str sum type sorted list tuple set dict bytearray enumerate zip map filter",
    "reversed iter slice memoryview",
)

#: Builtins whose result shares nothing with their arguments.
FRESH_BUILTINS = _words(
    "abs all any ascii bin bool bytes callable chr complex display divmod float format hasattr",
    "hash help hex id int isinstance issubclass len oct ord print range repr round str input",
    "bytearray slice",
)

#: Builtins whose result can be read once only.
ONESHOT_CALLS = _words(
    "iter map filter zip enumerate reversed open csv.reader csv.DictReader os.scandir os.walk",
    "itertools.chain itertools.count itertools.cycle itertools.islice itertools.product",
)

#: Methods that change their receiver, whatever it is.
MUTATING_METHODS = _words(
    "append extend insert remove pop clear sort reverse update setdefault popitem add discard",
    "difference_update intersection_update symmetric_difference_update appendleft extendleft",
    "popleft rotate move_to_end subtract fit partial_fit fit_transform fit_predict write",
    "writelines read readline readlines seek truncate close load_state_dict zero_grad backward",
    "step send throw asend athrow put put_nowait get_nowait task_done __setitem__ __delitem__",
    "__setattr__ __iadd__ add_argument addHandler setLevel set_params",
)

#: Methods that change neither receiver nor arguments, on the usual types.
PURE_METHODS = _words(
    # str and bytes
    "capitalize casefold center count encode decode endswith expandtabs find format format_map",
    "index isalnum isalpha isdigit isidentifier islower isnumeric isspace istitle isupper join",
    "ljust lower lstrip partition removeprefix removesuffix replace rfind rindex rjust rpartition",
    "rsplit rstrip split splitlines startswith strip swapcase title translate upper zfill hex",
    # containers
    "copy deepcopy get items keys values union intersection difference symmetric_difference",
    "issubset issuperset isdisjoint most_common elements total_seconds isoformat strftime",
    # numpy and pandas
    "abs agg aggregate all any argmax argmin argsort assign astype clip corr cov cummax cummin",
    "cumprod cumsum describe diff dot drop dropna drop_duplicates duplicated equals explode fillna",
    "filter first flatten groupby head idxmax idxmin info isin isna isnull item join last map",
    "max mean median melt memory_usage merge min mode nlargest notna notnull nsmallest nunique",
    "apply map applymap pipe transform to_datetime interpolate nunique_ shift_ eq ne lt gt le ge",
    "pct_change pivot pivot_table prod quantile query rank ravel reindex rename reset_index",
    "resample reshape rolling round sample select select_dtypes set_index shift size skew",
    "sort_index sort_values squeeze stack std sum tail take to_csv to_dict to_frame to_html",
    "to_json to_list to_markdown to_numpy to_parquet to_pickle to_records to_string tolist",
    "transpose unique unstack value_counts var where with_columns mask between nonzero",
    # estimators
    "predict predict_proba score transform decision_function get_params",
    # paths
    "exists is_file is_dir read_text read_bytes resolve absolute iterdir glob rglob with_suffix",
)

#: Methods whose result is a value of its own.
FRESH_METHODS = _words(
    "capitalize casefold center count decode encode endswith find format index isalnum isalpha",
    "isdigit join lower lstrip read readline readlines read_text read_bytes removeprefix split",
    "removesuffix replace rfind rsplit rstrip splitlines startswith strip title upper zfill",
    "strftime isoformat total_seconds mean median std var nunique corr deepcopy score to_json",
    "exists is_file is_dir value_counts describe predict predict_proba",
)

#: Functions that change their first argument.
MUTATING_FUNCTIONS = _words(
    "next anext setattr delattr random.shuffle numpy.random.shuffle heapq.heappush heapq.heappop",
    "heapq.heapify heapq.heapreplace heapq.heappushpop bisect.insort bisect.insort_left",
    "bisect.insort_right numpy.fill_diagonal numpy.put numpy.place numpy.copyto numpy.putmask",
    "list.append dict.update operator.setitem operator.delitem operator.iadd",
)

#: Modules of the library whose functions leave their arguments alone (see MUTATING_FUNCTIONS).
PURE_MODULES = _words(
    "math cmath statistics time datetime json re string textwrap pprint copy hashlib base64 uuid",
    "decimal fractions calendar locale platform numpy pandas os.path pathlib collections",
    "itertools functools struct html urllib.parse fnmatch difflib typing dataclasses",
    "sklearn.model_selection sklearn.metrics scipy.stats random operator polars pyarrow",
    "matplotlib.pyplot seaborn plotly.express warnings zlib binascii unicodedata keyword",
)

#: Libraries whose functions, and whose objects' methods, leave their arguments alone.
PURE_LIBRARIES = _words(
    "numpy pandas polars pyarrow matplotlib seaborn plotly altair bokeh sklearn scipy statsmodels",
    "xgboost lightgbm catboost imblearn json pickle joblib math statistics pathlib datetime",
)

#: Those among them whose objects are drawn upon by almost every method.
DRAWING_LIBRARIES = _words("matplotlib seaborn plotly altair bokeh")

#: Those among them that make estimators.
ESTIMATOR_LIBRARIES = _words("sklearn statsmodels xgboost lightgbm catboost imblearn")

#: Methods of these libraries' objects that change the object.
CHANGING_METHODS = _words(
    "insert pop update append extend remove clear sort fill resize put partition itemset setflags",
    "byteswap setfield partial_fit reset close write read load eval setdefault popitem touch",
)

#: Functions whose result surely shares nothing with their arguments.
FRESH_MODULES = (
    "sklearn.metrics.",
    "sklearn.base.clone",
    "sklearn.model_selection.train_test_split",
    "sklearn.model_selection.cross_",
    "numpy.random.",
    "scipy.stats.",
    "math.",
    "statistics.",
    "json.",
    "pandas.read_",
    "numpy.concatenate",
)

#: Functions and methods that call functions given to them.
CALLERS = _words(
    "map filter sorted max min reduce partial starmap accumulate groupby apply applymap agg",
    "aggregate transform pipe assign vectorize apply_along_axis minimize curve_fit quad solve_ivp",
    "submit",
)

#: Those among them that are done with the functions when they end; `map` as a method only.
EAGER_CALLERS = _words(
    "map sorted max min apply applymap agg aggregate transform pipe assign apply_along_axis",
    "minimize curve_fit quad solve_ivp",
)

#: Libraries whose SQL finds tables among the variables around, and the functions that run it.
SCANNING_LIBRARIES = _words("duckdb polars marimo pandasql")
SQL_FUNCTIONS = _words("sql query execute sqldf")

#: Parameters that take random generators.
RANDOM_SLOTS = _words("random_state rng generator")

#: What `import` finds depends on it.
IMPORTS = "import path"

#: Shared state inside modules: dotted prefix of a call -> the name of what it changes.
SHARED_STATE = {
    "random": "random state",
    "numpy.random": "numpy random state",
    "torch.manual_seed": "torch random state",
    "torch.rand": "torch random state",
    "torch.randn": "torch random state",
    "torch.randint": "torch random state",
    "torch.randperm": "torch random state",
    "tensorflow.random": "tensorflow random state",
    "matplotlib.pyplot": "current figure",
    "os.chdir": "working directory",
    "os.getcwd": "working directory",
    "os.environ": "environment",
    "os.putenv": "environment",
    "os.getenv": "environment",
    "sys.path": IMPORTS,
    "warnings": "warning filters",
    "pandas.set_option": "pandas options",
    "numpy.set_printoptions": "numpy options",
    "numpy.seterr": "numpy options",
    "locale.setlocale": "locale",
    "seaborn.set_theme": "current figure",
    "seaborn.set": "current figure",
}

#: Libraries that draw from a shared random state once it is seeded.
SEEDED_BY = {"sklearn": "numpy random state", "scipy.stats": "numpy random state"}

#: Decorators that do not call the function they decorate.
QUIET_DECORATORS = _words(
    "staticmethod classmethod property dataclass lru_cache cache cached_property wraps",
    "contextmanager asynccontextmanager abstractmethod overload final override total_ordering",
    "singledispatch njit jit vectorize task flow setter getter deleter fixture no_type_check",
    "runtime_checkable override delayed remote component step op asset",
)

#: Context managers that swallow exceptions, so that their body may end early.
SUPPRESSORS = _words("suppress raises assertRaises assertRaisesRegex ExitStack AsyncExitStack")

#: Methods of the shell object that run or bind what the code does not tell.
SHELL_METHODS = _words(
    "run_cell run_cell_async run_code ex ev push user_ns user_global_ns reset del_var",
    "run_cell_magic safe_execfile safe_run_module drop_by_id magic user_module",
)

#: Line magics whose argument is Python, run in the notebook's namespace.
PYTHON_LINE_MAGICS = _words("time prun lprun mprun memit timeit")

#: Line magics with no influence on names.
HARMLESS_LINE_MAGICS = _words(
    "matplotlib load_ext reload_ext unload_ext autoreload config alias alias_magic colors cd pwd",
    "ls ll dhist dirs env set_env history hist who who_ls whos pinfo pinfo2 pdoc pdef psource",
    "pfile psearch page pip conda mamba micromamba uv xmode precision pprint automagic autocall",
    "pdb debug tb logstart logstop logon logoff logstate lsmagic magic quickref timeit mkdir",
    "doctest_mode gui nbflow nbflow_debug aimport watermark notebook save system sx more less cat",
    "bookmark popd pushd rehashx unalias cp mv rm rmdir man edit pycat colors connect_info",
    "qtconsole killbgscripts subshell code_wrap flow tensorboard memray",
)

#: Line magics that act on files, processes or the environment.
EXTERNAL_LINE_MAGICS = _words(
    "cd pip conda mamba micromamba uv env set_env mkdir system sx cp mv rm rmdir pushd popd save",
    "ls ll cat",
)

#: What line magics are given when they act elsewhere.
EXTERNAL_USES = {"nbflow": _words("run resume deploy cancel")}

#: Groups of their commands, which act elsewhere but for those that only look.
EXTERNAL_GROUPS = {
    "nbflow": _words(
        "deployment schedule backfill queue limit variable secret db server worker agent",
    )
}
LOOKING_USES = _words("ls show inspect get versions diff preview info status")

#: Cell magics whose body runs, and is kept under a name to be called again.
BODY_MAGICS = _words("task flow")

#: Cell magics whose body is Python, run in the notebook's namespace.
PYTHON_CELL_MAGICS = _words(
    "time capture prun snakeviz scalene lprun mprun memit pyinstrument heat",
    "mypy wurlitzer pycodestyle flake8 debug cell_profile profile notify memray_flamegraph",
)

#: Cell magics that only show their body.
DISPLAY_CELL_MAGICS = _words("html HTML markdown latex svg SVG javascript js JS mermaid")

#: Cell magics whose body is another language or a file's text.
FOREIGN_CELL_MAGICS = _words(
    "bash sh script system sx ! cmd perl ruby python python2 python3 pypy writefile file sql",
    "R julia cython bigquery",
)
