# cmake -D OUTPUT=assets.cpp -D FOLDER=<folder of style.css and report.js> -P embed.cmake
file(READ ${FOLDER}/style.css style)
file(READ ${FOLDER}/report.js script)
file(WRITE ${OUTPUT} "#include \"morph/report/assets.h\"

namespace morph {

const std::string_view kReportStyle = R\"asset(${style})asset\";
const std::string_view kReportScript = R\"asset(${script})asset\";

}  // namespace morph
")
